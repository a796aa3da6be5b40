"""Asks an interpreter, started with its site: who are you, where are modules?

It has to parse under any Python 3, so that an old one gets a clear answer.
"""

import glob
import json
import os
import sys


def plain(path):
    """Whether the path is absolute and can be written as UTF-8."""
    try:
        path.encode("utf-8")
    except (AttributeError, UnicodeEncodeError):
        return False
    return os.path.isabs(path)


def watched():
    """What decides on sys.path: site directories, .pth files, pyvenv.cfg."""
    found = [os.path.join(sys.prefix, "pyvenv.cfg")]
    found.append(getattr(sys.modules.get("sitecustomize"), "__file__", None))
    dirs = list(sys.path)
    try:
        import site

        dirs += site.getsitepackages()
    except (AttributeError, ImportError):
        pass  # an old virtualenv's site, or none at all
    for path in dirs:
        found.append(path)
        if os.path.basename(path) in ("site-packages", "dist-packages"):
            found += glob.glob(os.path.join(glob.escape(path), "*.pth"))
    return [path for path in dict.fromkeys(found) if plain(path)]


def main():
    # Behind a venv's link or copy is the binary that has the library.
    executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable or "/")
    answer = {
        "implementation": sys.implementation.name,
        "version": list(sys.version_info),
        "executable": executable if plain(executable) else "",
        "path": [path for path in dict.fromkeys(sys.path) if plain(path)],
        "watched": watched(),
    }
    # A site hook may have left something unfinished on the line.
    print("\nhotcell-probe 1 " + json.dumps(answer), flush=True)


main()
