# run: --timeout 5s
# exit: 0
# stdout: (?m)^refused: 4$
# refused: import .*owned.*
"""Names that a terminal would obey."""

import builtins


def model():
    refused = 0
    for name in "\x1b]0;owned\x07", "\x9b2J owned", "\u202eowned", "owned\n\r":
        try:
            __import__(name)
        except ImportError:
            refused += 1
    print("refused:", refused)
    assert builtins.__import__ is not __import__
