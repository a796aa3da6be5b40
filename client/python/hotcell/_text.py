"""Text of a sandbox, made fit for a terminal or a log.

What a model prints, raises or names is hostile: an escape sequence can rewrite
the screen or fake a prompt, a bidirectional control can make a path read as
another.
"""

from __future__ import annotations

import unicodedata

# Characters that change how others are shown without being seen: format
# characters, line and paragraph separators, private ones, and lone surrogates,
# which no output stream takes.
_HIDDEN = frozenset(("Cf", "Zl", "Zp", "Co", "Cs"))
_NAMED = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}


def printable(text: str, lines: bool = True) -> str:
    """Escapes everything but printable characters and blanks; with lines, line feeds and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_keep if lines else _escape, text))


def _keep(c: str) -> str:
    return c if c in "\n\t" else _escape(c)


def _escape(c: str) -> str:
    if c in _NAMED:
        return _NAMED[c]
    n = ord(c)
    if n < 0x20 or 0x7F <= n < 0xA0:
        return f"\\x{n:02x}"
    if unicodedata.category(c) in _HIDDEN:
        return f"\\u{n:04x}" if n <= 0xFFFF else f"\\U{n:08x}"
    return c
