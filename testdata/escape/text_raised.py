# verdict: exception
# source: model
# exit: 1
# stdout: (?m)^raising$
"""A class whose name, module, message and notes are made of control sequences."""


class Escape(Exception):
    def __str__(self):
        return "\x1b]0;owned\x07\x9b2J\u202e\ud800\0" * 100


def model():
    print("raising")
    Escape.__qualname__ = "\x1b[2J"
    Escape.__module__ = "\x9b2J\n"
    error = Escape()
    error.__notes__ = ["\x1b[31m", "\u2066", object()]
    try:
        raise Escape from error
    except Escape:
        exec(compile("raise error", "\x1b[2J.py", "exec"), {"error": error})
