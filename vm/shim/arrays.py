"""Arrays across the boundary: inputs are mapped, results are written.

Control data came on the socket; nothing about an array is read from shared
memory. numpy is used where the template imported it; without it inputs are
memoryviews and results anything with the buffer protocol.
"""

import _thread
import ast
import operator
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

# What the supervisor takes of an array: its axes, and the bytes of an element;
# of a structure the bytes of its description, the fields, and the structures
# within each other.
MAX_AXES = 32
MAX_ITEM = 1 << 20
MAX_DESCR, MAX_FIELDS, MAX_NESTING = 8 << 10, 512, 8

# How many places of results are known at a time, see Output.locate.
MAX_PLACES = 256

NATIVE = "<" if sys.byteorder == "little" else ">"
# memoryview formats by the dtype of an .npy header, in native order.
FORMATS = {
    "|b1": "?", "|i1": "b", "|u1": "B",
    "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f4": "f", "f8": "d",
}
DTYPES = {v: (k if k[0] == "|" else NATIVE + k) for k, v in FORMATS.items()}
# What a model may write for a dtype without numpy: those, f8, <f8 and so on.
NAMES = {**DTYPES, **{d.lstrip("|<>"): d for d in DTYPES.values()}, **{d: d for d in DTYPES.values()}}
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


def nbytes(dtype, shape):
    count = item_size(dtype)
    for n in shape:
        count *= n
    return count


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


def maker(view, ref, offset):
    """A function that gives the array, each time as a new object: what a model does to one, as x.shape = 2, 3, it does to no other."""
    array = as_array(view, parse_dtype(ref.descr), ref, offset)
    if type(array) is memoryview:
        return lambda: memoryview(array)
    if array.dtype.names:
        # The names of fields can be changed too, in the dtype.
        return lambda: as_array(view, parse_dtype(ref.descr), ref, offset)
    return array.view


def collect_results(returned):
    """The returned object as named values: [(name, value)]."""
    if type(returned) is dict:
        for name in returned:
            if not valid_name(name):
                raise InvalidResult(f"{show(name)} is no name for a result: use letters, digits and _, at most {NAME_LENGTH}")
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
    results where they lie; all else is copied behind them. The next call
    begins at the front again: what a model keeps of one changes then.
    """

    def __init__(self, view):
        self.view, self.running = view, False
        self.lock = _thread.allocate_lock()
        self.places = {}
        self.at, self.made, self.names = 0, {}, {}
        self.room, self.left = MAX_TEXT, MAX_ALL_TEXT

    def leave(self):
        """Lets go of the region: it is unmapped with the last array in it."""
        self.view = memoryview(b"")
        self.places, self.made, self.names = {}, {}, {}

    def lie_in(self, view):
        self.view = view

    def declare(self, out):
        """Arrays of a Call for the model to write, as begin takes them."""
        return [(name, ref, maker(self.view, ref, ref.offset)) for name, ref in out]

    def begin(self, declared=()):
        """A call begins. Gives the declared arrays by name."""
        self.at, self.room, self.left = 0, MAX_TEXT, MAX_ALL_TEXT
        if self.names:
            self.names = {}
        arrays = {name: self.put(name, ref, make()) for name, ref, make in declared} if declared else None
        self.running = True
        return arrays

    def end(self):
        self.running = False
        if self.made:
            self.made = {}

    def put(self, name, ref, array):
        """Has an array that lies in the region be the result of that name."""
        self.at = max(self.at, ref.offset + array.nbytes)
        self.made[id(array)] = name, array
        self.names[name] = ref
        return array

    def empty(self, name, shape, dtype="f8"):
        """An array in the output, not initialised, that is the result of that name when the call returns."""
        if not valid_name(name):
            raise ValueError(f"hotcell.empty: {show(name)} is no name for a result: use letters, digits and _, at most {NAME_LENGTH}")
        descr, dtype = describe_any(name, dtype)
        shape = lengths(name, shape, dtype)
        with self.lock:  # a model's threads may each make their own
            if not self.running:
                raise RuntimeError("hotcell.empty: no call is running")
            if name in self.names:
                raise ValueError(f"hotcell.empty: there is an array {name} already")
            if len(self.names) == MAX_RESULTS:
                raise ValueError(f"hotcell.empty: a call has at most {MAX_RESULTS} results")
            ref = wire.Ref(descr, shape, self.reserve(nbytes(dtype, shape)))
            return self.put(name, ref, as_array(self.view, dtype, ref, ref.offset))

    def write(self, returned):
        """Writes what the model returned, and gives all results as wire values by name."""
        with self.lock:
            self.running = False  # for a thread that the model left behind
        if not self.names and type(returned) not in (dict, tuple, list):
            return [("result", self.cross("result", returned))]
        results = list(self.names.items())
        if returned is None and results:
            return results
        named = collect_results(returned)
        check_count(named)
        for name, value in named:
            made = self.made.get(id(value))
            if made and (made[0] == name or type(returned) is not dict):
                continue
            if name in self.names:
                raise InvalidResult(f"two results are named {name}: the array made before the return is one of them")
            results.append((name, self.cross(name, value)))
        check_count(results)
        return results

    def cross(self, name, value):
        """A returned value as the wire has it; what is no single value is written."""
        kind = type(value)
        if value is None or kind is float or kind is bool or kind is complex:
            return value
        if is_numpy(value) and not isinstance(value, str):
            return self.write_numpy(name, value)
        if isinstance(value, str):
            return self.write_text(name, value)
        if isinstance(value, (int, float, complex)):
            value = plain(value)
            if type(value) is int and value.bit_length() > 8 * MAX_INTEGER:
                raise InvalidResult(f"{name} is an integer of {value.bit_length()} bits, at most {8 * MAX_INTEGER} can be returned")
            return value
        return self.write_buffer(name, value)

    def reserve(self, size):
        """The next aligned offset, at which size bytes fit."""
        at = (self.at + ALIGN - 1) // ALIGN * ALIGN
        if at + size > len(self.view):
            raise OutputTooLarge(f"the results need at least {at + size} bytes, the limit is {len(self.view)}")
        return at

    def write_text(self, name, value):
        """Text stays in the frame while there is room."""
        data = str.encode(value, "utf-8", "backslashreplace")  # not value.encode: the class may be the model's
        if len(data) <= self.room:
            self.room -= len(data)
            return data.decode()
        self.left -= len(data)
        if self.left < 0:
            raise InvalidResult(
                f"{name} makes the text of the results longer than {MAX_ALL_TEXT} bytes: "
                "return numpy.frombuffer(text.encode(), 'u1')"
            )
        at = self.reserve(len(data))
        self.at = at + len(data)
        self.view[at : self.at] = data
        return wire.Span(at, len(data))

    def write_numpy(self, name, value):
        """Writes an ndarray or a numpy scalar; a layout that is not one block is gathered in C order."""
        array = plain_array(name, value)
        at = (self.at + ALIGN - 1) // ALIGN * ALIGN
        place = self.places.get((array.dtype, array.shape, at, array.flags.fnc))
        ref, into = place or self.locate(name, array)
        into[...] = array
        self.at = ref.offset + into.nbytes
        return ref

    def locate(self, name, array):
        """Where and as what an array is written: (reference, array in the output).

        Known afterwards for arrays of numbers, as the results of a call mostly
        are what they were in the one before. Other dtypes can be changed in
        place.
        """
        if array.dtype.hasobject:
            raise InvalidResult(f"{name} holds Python objects (dtype {str(array.dtype)[:200]}): convert it, for example x.astype(float)")
        check_axes(name, array.ndim)
        descr, fortran = describe_dtype(name, array.dtype), array.flags.fnc
        ref = wire.Ref(descr, array.shape, self.reserve(array.nbytes), fortran)
        into = as_array(self.view, array.dtype, ref, ref.offset)
        if array.dtype.kind in "biufc":
            if len(self.places) == MAX_PLACES:
                self.places.clear()
            self.places[array.dtype, array.shape, ref.offset, fortran] = ref, into
        return ref, into

    def write_buffer(self, name, value):
        """Writes bytes, or the array that a memoryview, bytearray or array.array is."""
        try:
            view = memoryview(value)
        except TypeError:
            raise InvalidResult(
                f"{name} is a {type(value).__module__}.{type(value).__qualname__}: return arrays, numbers, strings, None, "
                "a tuple or list of those, or a flat dict of those by name"
            ) from None
        if isinstance(value, bytes):
            return self.write_bytes(name, view)
        if view.format not in DTYPES:
            raise InvalidResult(f"{name} has the buffer format {view.format!r}: use one of {' '.join(sorted(DTYPES))}")
        check_axes(name, view.ndim)
        at = self.reserve(view.nbytes)
        self.at = at + view.nbytes
        # A large block is not copied twice; an empty one cannot be cast.
        self.view[at : self.at] = view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()
        return wire.Ref(DTYPES[view.format], view.shape, at)

    def write_bytes(self, name, view):
        """Writes bytes as a scalar of fixed width, which drops NULs at the end."""
        # An empty one still takes a byte: numpy has no S0 scalar.
        size = max(1, view.nbytes)
        if size > MAX_ITEM:
            raise InvalidResult(f"{name} is {size} bytes long, at most {MAX_ITEM} can be returned so: return bytearray(x)")
        at = self.reserve(size)
        self.at = at + size
        self.view[at : self.at] = view if view.nbytes else b"\0"
        return wire.Ref(f"|S{size}", (), at)


def lengths(name, shape, dtype):
    """A shape as a person writes it, checked: a negative length would move the results that follow."""
    try:
        shape = tuple(shape)
    except TypeError:
        shape = (shape,)
    try:
        shape = tuple([operator.index(n) for n in shape])
    except TypeError:
        raise TypeError(f"hotcell.empty: the shape of {name} is not of integers: {show(shape)}") from None
    if len(shape) > MAX_AXES or shape and min(shape) < 0:
        raise ValueError(f"hotcell.empty: {name} has the shape {show(shape)}: at most {MAX_AXES} axes, and none negative")
    if 0 in shape and nbytes(dtype, filter(None, shape)) >= 1 << 63:
        raise ValueError(f"hotcell.empty: {name} has the shape {show(shape)}: too long an axis beside one of no length")
    return shape


def describe_any(name, dtype):
    """A dtype as a person writes it: (as the wire has it, as as_array wants it)."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        descr = NAMES.get(dtype) if type(dtype) is str else None
        if descr is None:
            names = " ".join(sorted({d.lstrip("|<>") for d in DTYPES.values() if d in NAMES}))
            raise ValueError(f"hotcell.empty: dtype {show(dtype)} of {name}: use one of {names}")
        return descr, parse_dtype(descr)
    dtype = numpy.dtype(dtype)
    if dtype.hasobject:
        raise ValueError(f"hotcell.empty: dtype {show(dtype)} of {name} holds Python objects")
    return describe_dtype(name, dtype), dtype


def plain(value):
    """An int or float of a subclass (an IntEnum, say) as the type itself."""
    for kind in (int, float, complex):
        if isinstance(value, kind):
            return kind(value)


def is_numpy(value):
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))


def plain_array(name, value):
    """An ndarray, of no subclass."""
    numpy = sys.modules["numpy"]
    if type(value) is numpy.ndarray:
        return value
    masked = sys.modules.get("numpy.ma")
    if masked is not None and isinstance(value, masked.MaskedArray):
        raise InvalidResult(f"{name} is a masked array: return x.filled(value) and x.mask")
    return numpy.asarray(value)


def check_count(results):
    if len(results) > MAX_RESULTS:
        raise InvalidResult(f"{len(results)} results, at most {MAX_RESULTS} can be returned: return them as one array")


def check_axes(name, count):
    if count > MAX_AXES:
        raise InvalidResult(f"{name} has {count} axes, at most {MAX_AXES} can be returned")


def describe_dtype(name, dtype):
    """The dtype as an .npy header has it, if it may cross."""
    try:
        descr = sys.modules["numpy"].lib.format.dtype_to_descr(dtype)
    except ValueError:
        descr = None  # fields that overlap, or are not in the order of their offsets
    if descr is None or not crosses(dtype) or type(descr) is list and not describable(descr):
        shown = str(dtype)[:200]
        near = "c16" if getattr(dtype, "kind", "") == "c" else "f8"
        raise InvalidResult(f"{name} has the dtype {shown}, which cannot be returned: convert it, for example x.astype({near!r})")
    return descr if type(descr) is str else repr(descr)


def crosses(dtype):
    if dtype.names:
        # A field with a title is a triple. One with an axis of no length would take no bytes.
        fields = [dtype.fields[n] for n in dtype.names]
        if not all(len(f) == 2 and 0 not in f[0].shape and crosses(f[0].base) for f in fields):
            return False
        return dtype.itemsize <= MAX_ITEM and readable(dtype.names)
    if dtype.kind in "SU":
        return 1 <= dtype.itemsize <= MAX_ITEM
    return dtype.kind in "mM" or dtype.kind + str(dtype.itemsize) in SIMPLE


def readable(names):
    """Whether names of fields are text; one without a letter would be padding."""
    try:
        "".join(names).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return "" not in names


def describable(descr):
    """Whether the supervisor takes a structure's description."""
    return count_fields(descr) <= MAX_FIELDS and len(repr(descr).encode()) <= MAX_DESCR


def count_fields(descr, nesting=1):
    """The fields of a structure, with those of structures in it; too many if these are nested too deep."""
    if nesting > MAX_NESTING:
        return MAX_FIELDS + 1
    return len(descr) + sum(count_fields(f[1], nesting + 1) for f in descr if type(f[1]) is list)
