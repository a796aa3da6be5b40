"""Functions of the host: a model calls them as functions of the module hotcell.

What goes in and comes back is copied. The decision whether they may be called
is the supervisor's, at each call.
"""

from _hotcell import arrays, wire


class FunctionError(RuntimeError):
    """A function of the host that was refused, failed or took too long."""


class Functions:
    """Calls over the socket for questions; one at a time, with the asker's lock."""

    def __init__(self, asker, view):
        self.asker, self.view = asker, view

    def make(self, name):
        def function(*args, **kwargs):
            return self.call(name, args, kwargs)

        function.__name__ = function.__qualname__ = name
        function.__doc__ = f"The host's function {name}. Arguments and result are copied."
        return function

    def call(self, name, args, kwargs):
        given = {f"_{i}": v for i, v in enumerate(args)}
        given.update(kwargs)
        with self.asker.lock:
            space = arrays.Output(self.view)
            try:
                values = space.write(given)
            except (arrays.InvalidResult, arrays.OutputTooLarge) as e:
                raise FunctionError(f"arguments of {name}: {e}") from None
            e = wire.Encoder()
            e.text(name)
            e.args(values)
            decoder = self.asker.exchange(wire.INVOKE, e, wire.RETURNED)
            failed, text, value = decoder.u8(), decoder.text(), decoder.value()
            if failed:
                raise FunctionError(text)
            return self.copy(value)

    def copy(self, value):
        """The value; an array copied out of the region, as the next call writes there."""
        if type(value) is wire.Span:
            return bytes(self.view[value.offset : value.offset + value.size]).decode()
        if type(value) is not wire.Ref:
            return value
        dtype = arrays.parse_dtype(value.descr)
        size = arrays.nbytes(dtype, value.shape)
        return arrays.as_array(memoryview(bytearray(self.view[value.offset : value.offset + size])), dtype, value, 0)
