# run: --timeout 120s --cpu-time 120s
# verdict: exception
# source: model
# exit: 1
# reason: ^SyntaxError: 
"""The one exception whose description is put together from its attributes."""


class Number(int):
    def __index__(self):
        raise KeyboardInterrupt

    __add__ = __sub__ = __index__


def model():
    e = SyntaxError("x")
    e.filename, e.text = "f" * 10**7, "y" * 10**8
    e.lineno, e.offset = Number(3), Number(10**9)
    raise e
