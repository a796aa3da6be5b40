"""Starts as a template starts, without site: what works, what gets loaded?

The arguments are the module path. One line is answered before numpy is
imported and one after it: an import that ends the process leaves the first.
"""

import sys

start = list(sys.path)
sys.path[:] = sys.argv[1:]

import importlib  # noqa: E402  found by the path just set, as in a template
import importlib.util  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402

# What the shim is made of. Distributions split the standard library, and
# builds from source leave out what they found no headers for.
NEEDED = (
    "_imp",
    "_socket",
    "_thread",
    "_weakref",
    "array",
    "ast",
    "builtins",
    "ctypes",
    "errno",
    "faulthandler",
    "gc",
    "importlib",
    "inspect",
    "json",
    "linecache",
    "marshal",
    "operator",
    "os",
    "random",
    "select",
    "signal",
    "struct",
    "sys",
    "traceback",
    "warnings",
)


def line(e):
    """An exception as one line; numpy buries the cause in an essay."""
    while e.__cause__ is not None:
        e = e.__cause__
    text = next((part for part in str(e).splitlines() if part.strip()), "")
    return "%s: %s" % (type(e).__name__, text.strip()[:200])


def missing():
    """The needed modules that cannot be imported, and why."""
    failed = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception as e:
            failed.append("%s (%s)" % (name, line(e)))
    return failed


def libraries():
    """The shared objects in this process."""
    found = {}
    with open("/proc/self/maps") as maps:
        for entry in maps:
            path = entry[entry.find("/") :].rstrip("\n") if "/" in entry else ""
            if ".so" in os.path.basename(path) and "\\" not in path and not path.endswith(" (deleted)"):
                found[path] = None
    return list(found)


def answer(lacks, numpy="", numpy_file="", numpy_error=""):
    fields = {
        "version": list(sys.version_info),
        "start": start,
        "missing": lacks,
        "magic": importlib.util.MAGIC_NUMBER.hex(),
        "libraries": libraries(),
        "numpy": numpy,
        "numpy_file": numpy_file,
        "numpy_error": numpy_error,
    }
    print("\nhotcell-probe 1 " + json.dumps(fields), flush=True)


def main():
    lacks = missing()
    answer(lacks, numpy_error="importing it ended the interpreter")
    try:
        import numpy
    except ModuleNotFoundError as e:
        answer(lacks, numpy_error="" if e.name == "numpy" else line(e))
    except BaseException as e:  # a broken package may raise anything
        answer(lacks, numpy_error=line(e))
    else:
        # A directory left behind is a package too, with neither of both.
        version, file = getattr(numpy, "__version__", ""), getattr(numpy, "__file__", None)
        answer(lacks, numpy=str(version), numpy_file=file or "")


main()
