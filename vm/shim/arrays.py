"""Arrays across the boundary: inputs are mapped, results are written.

Control data came on the socket; nothing about an array is read from shared
memory. numpy is used where the template imported it; without it inputs are
memoryviews and results anything with the buffer protocol.
"""

import ast
import sys

from _hotcell import wire

ALIGN = 64

# What one frame takes; the supervisor refuses more. Text beyond the first
# MAX_TEXT bytes lies in the output region.
MAX_TEXT = 8192
# All long text of a call, in bytes: what the supervisor takes.
MAX_ALL_TEXT = 1 << 20
MAX_RESULTS = 1024
MAX_INTEGER = 32 << 10

# The largest element of an array, in bytes.
MAX_ITEM = 1 << 20

NATIVE = "<" if sys.byteorder == "little" else ">"
# memoryview formats by the dtype of an .npy header, in native order.
FORMATS = {
    "|b1": "?", "|i1": "b", "|u1": "B",
    "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f4": "f", "f8": "d",
}
DTYPES = {v: (k if k[0] == "|" else NATIVE + k) for k, v in FORMATS.items()}
DTYPES.update({"l": NATIVE + "i8", "L": NATIVE + "u8", "c": "|S1"})
# Kind and size of the numbers that cross.
SIMPLE = frozenset("b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split())

NAME_LENGTH = 64


class InvalidResult(Exception):
    """What the model returned cannot cross."""


class UnusableInput(Exception):
    """An input that this model or this interpreter cannot take."""


class OutputTooLarge(Exception):
    """The results need more bytes than the output region has."""


def valid_name(name):
    """[A-Za-z_][A-Za-z0-9_]{0,63}, as the supervisor will check."""
    return type(name) is str and name.isascii() and name.isidentifier() and len(name) <= NAME_LENGTH


def parse_dtype(descr):
    """A numpy dtype, or without numpy a memoryview format."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        plain = descr[1:] if descr[0] == NATIVE else descr
        if plain not in FORMATS:
            raise UnusableInput(f"an array of dtype {descr} needs numpy, which this interpreter does not have")
        return FORMATS[plain]
    return numpy.lib.format.descr_to_dtype(ast.literal_eval(descr) if descr[0] == "[" else descr)


def item_size(dtype):
    if type(dtype) is str:
        return memoryview(bytearray(16)).cast(dtype).itemsize
    return dtype.itemsize


def as_array(view, dtype, ref, offset):
    """An ndarray on the bytes at an offset of a view; without numpy that part of the view with format and shape.

    The ndarray holds the view itself, not a part of it: the view's end is the
    mapping's (see space).
    """
    numpy = sys.modules.get("numpy")
    if numpy is None:
        if ref.fortran and len(ref.shape) > 1:
            raise UnusableInput("an array in Fortran order needs numpy, which this interpreter does not have")
        part = view[offset : offset + nbytes(dtype, ref.shape)]
        return part.cast(dtype, ref.shape) if 0 not in ref.shape else part.cast(dtype)
    return numpy.ndarray(ref.shape, dtype, view, offset, order="F" if ref.fortran else "C")


def nbytes(dtype, shape):
    count = item_size(dtype)
    for n in shape:
        count *= n
    return count


def collect_results(returned):
    """The returned object as named values: [(name, value)]."""
    if type(returned) is dict:
        for name in returned:
            if not valid_name(name):
                raise InvalidResult(f"{show(name)} is no name for a result: use letters, digits and _, at most 64")
        return list(returned.items())
    if type(returned) in (tuple, list):
        return [("result" if i == 0 else f"result_{i}", v) for i, v in enumerate(returned)]
    return [("result", returned)]


def show(value):
    """A short, safe repr for a message."""
    try:
        return repr(value)[:80]
    except Exception:
        return f"a {type(value).__name__}"


class Output:
    """The output region of a model, and what the call that runs has put there.

    Arrays that the model was given to write, or made by hotcell.empty, are
    results where they lie; all else is copied behind them.
    """

    def __init__(self, view):
        self.view, self.running = view, False
        self.begin(())

    def begin(self, declared):
        """A call begins. Gives the arrays that the host declared, by name."""
        self.at, self.made, self.names = 0, [], {}
        arrays = {}
        for name, ref in declared:
            arrays[name] = self.place(name, parse_dtype(ref.descr), ref)
        self.running = True
        return arrays

    def end(self):
        self.running, self.made = False, []

    def place(self, name, dtype, ref):
        if sys.modules.get("numpy") is None and ref.fortran:
            raise UnusableInput("an array in Fortran order needs numpy, which this interpreter does not have")
        self.at = ref.offset + nbytes(dtype, ref.shape)
        array = as_array(self.view, dtype, ref, ref.offset)
        self.made.append((name, array, ref))
        self.names[name] = ref
        return array

    def empty(self, name, shape, dtype="f8"):
        """An array in the output, not initialised, that is the result of that name when the call returns."""
        if not self.running:
            raise RuntimeError("hotcell.empty: no call is running")
        if not valid_name(name):
            raise ValueError(f"hotcell.empty: {show(name)} is no name for a result: use letters, digits and _, at most 64")
        if name in self.names:
            raise ValueError(f"hotcell.empty: there is an array {name} already")
        shape = (shape,) if type(shape) is int else tuple(shape)
        descr, dtype = describe_any(name, dtype)
        size = nbytes(dtype, shape)
        return self.place(name, dtype, wire.Ref(descr, shape, reserve(self.at, size, self.view), False))

    def write(self, returned):
        """Writes what the model returned, and gives all results as wire values by name."""
        results = [(name, ref) for name, _, ref in self.made]
        if returned is None and results:
            return results
        room, left = MAX_TEXT, MAX_ALL_TEXT
        named = collect_results(returned)
        if len(named) + len(results) > MAX_RESULTS:
            raise InvalidResult(f"{len(named)} results, at most {MAX_RESULTS} can be returned: return them as one array")
        for name, value in named:
            if self.is_made(value):
                continue
            if name in self.names:
                raise InvalidResult(f"two results are named {name}: the array made before the return is one of them")
            if isinstance(value, str):
                text = str(value).encode("utf-8", "backslashreplace")
                if len(text) <= room:
                    value, room = text.decode(), room - len(text)
                else:
                    left -= len(text)
                    if left < 0:
                        raise InvalidResult(
                            f"{name} makes the text of the results longer than {MAX_ALL_TEXT} bytes: "
                            "return numpy.frombuffer(text.encode(), 'u1')"
                        )
                    at = reserve(self.at, len(text), self.view)
                    self.at = at + len(text)
                    self.view[at : self.at] = text
                    value = wire.Span(at, len(text))
            elif value is None or type(value) in (bool, int, float, complex):
                pass
            elif isinstance(value, (bool, int, float, complex)) and not is_numpy(value):
                value = plain(value)
            else:
                value, self.at = write_array(name, value, self.view, self.at)
            if type(value) is int and value.bit_length() > 8 * MAX_INTEGER:
                raise InvalidResult(
                    f"{name} is an integer of {value.bit_length()} bits, at most {8 * MAX_INTEGER} can be returned"
                )
            results.append((name, value))
        return results

    def is_made(self, value):
        for _, array, _ in self.made:
            if array is value:
                return True
        return False


def describe_any(name, dtype):
    """A dtype as a person writes it: (as the wire has it, as as_array wants it)."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        if dtype not in DTYPES.values() and dtype not in FORMATS and dtype not in DTYPES:
            raise ValueError(f"hotcell.empty: dtype {show(dtype)} of {name}: use one of {' '.join(sorted(FORMATS))}")
        descr = DTYPES.get(dtype, dtype)
        descr = descr if descr[0] in "|<>" else NATIVE + descr
        return descr, parse_dtype(descr)
    dtype = numpy.dtype(dtype)
    if dtype.hasobject:
        raise ValueError(f"hotcell.empty: dtype {dtype} of {name} holds Python objects")
    return describe_dtype(name, dtype), dtype


def plain(value):
    """An int or float of a subclass (an IntEnum, say) as the type itself."""
    for kind in (int, float, complex):
        if isinstance(value, kind):
            return kind(value)
    return bool(value)


def is_numpy(value):
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))


def reserve(at, size, output):
    """The next aligned offset at which size bytes fit."""
    at = (at + ALIGN - 1) // ALIGN * ALIGN
    if at + size > len(output):
        raise OutputTooLarge(f"the results need at least {at + size} bytes, the limit is {len(output)}")
    return at


def write_array(name, value, output, at):
    if is_numpy(value):
        return write_numpy(name, value, output, at)
    try:
        view = memoryview(value)
    except TypeError:
        raise InvalidResult(
            f"{name} is a {type(value).__module__}.{type(value).__qualname__}: return arrays, numbers, strings, None, "
            "a tuple or list of those, or a flat dict of those by name"
        ) from None
    if isinstance(value, bytes):
        return write_bytes(name, value, output, at)
    return write_buffer(name, view, output, at)


def write_numpy(name, value, output, at):
    """Writes an ndarray or a numpy scalar; a layout that is not one block is gathered in C order."""
    import numpy

    if isinstance(value, numpy.ma.MaskedArray):
        raise InvalidResult(f"{name} is a masked array: return x.filled(value) and x.mask")
    array = numpy.asarray(value)
    if array.dtype.hasobject:
        raise InvalidResult(f"{name} holds Python objects (dtype {array.dtype}): convert it, for example x.astype(float)")
    descr = describe_dtype(name, array.dtype)
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    at = reserve(at, array.nbytes, output)
    into = numpy.ndarray(array.shape, array.dtype, output[at : at + array.nbytes], order="F" if fortran else "C")
    numpy.copyto(into, array, casting="no")
    return wire.Ref(descr, array.shape, at, bool(fortran)), at + array.nbytes


def describe_dtype(name, dtype):
    """The dtype as an .npy header has it, if it may cross."""
    import numpy

    try:
        descr = numpy.lib.format.dtype_to_descr(dtype)
    except ValueError:
        descr = None  # fields that overlap, or are not in the order of their offsets
    if descr is None or not crosses(dtype):
        raise InvalidResult(f"{name} has the dtype {dtype}, which cannot be returned: convert it, for example x.astype('f8')")
    return descr if type(descr) is str else repr(descr)


def crosses(dtype):
    if dtype.names:
        # A field with a title is a triple.
        return all(len(f) == 2 and crosses(f[0].base) for f in (dtype.fields[n] for n in dtype.names))
    if dtype.kind in "SU":
        return 1 <= dtype.itemsize <= MAX_ITEM
    return dtype.kind in "mM" or dtype.kind + str(dtype.itemsize) in SIMPLE


def write_bytes(name, value, output, at):
    """Writes bytes as a scalar of fixed width, which drops NULs at the end."""
    # An empty one still takes a byte: numpy has no S0 scalar.
    size = max(1, len(value))
    if size > MAX_ITEM:
        raise InvalidResult(f"{name} is {size} bytes long, at most {MAX_ITEM} can be returned so: return bytearray(x)")
    at = reserve(at, size, output)
    output[at : at + size] = value or b"\0"
    return wire.Ref(f"|S{size}", (), at, False), at + size


def write_buffer(name, view, output, at):
    """Writes a memoryview, bytearray or array.array."""
    if view.format not in DTYPES:
        raise InvalidResult(f"{name} has the buffer format {view.format!r}: use one of {' '.join(sorted(DTYPES))}")
    at = reserve(at, view.nbytes, output)
    output[at : at + view.nbytes] = view.tobytes()
    return wire.Ref(DTYPES[view.format], view.shape, at, False), at + view.nbytes
