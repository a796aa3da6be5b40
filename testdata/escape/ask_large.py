# exit: 0
# stdout: (?m)^refused$
"""A name of 40,000 letters is refused like any other."""


def model():
    try:
        __import__("a" * 40_000)
    except ImportError:
        print("refused")
