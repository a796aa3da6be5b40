"""Starts as a template starts, without site: which modules are not there?

The arguments are the module path, "--", and the modules' names. A name of one
word is only looked for. With dots, what is above it may have to be imported:
a package can make its parts itself, as os makes os.path.
"""

import sys

at = sys.argv.index("--")
names = sys.argv[at + 1 :]
sys.path[:] = sys.argv[1:at]

import importlib  # noqa: E402  found by the path just set, as in a template
import importlib.machinery  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402


def there(name):
    first, _, rest = name.partition(".")
    spec = importlib.util.find_spec(first)
    if spec is None or not rest:
        return spec is not None
    where = spec.submodule_search_locations
    for part in rest.split("."):
        first += "." + part
        try:
            spec = where and importlib.machinery.PathFinder.find_spec(first, where)
        except KeyError:
            spec = None  # below a namespace package, whose parent would have to be imported
        if not spec:
            return made(name)
        where = spec.submodule_search_locations
    return True


def made(name):
    """Whether importing finds what a search does not."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as e:
        # Of another one: this one is there, and needs more.
        return not (name + ".").startswith(f"{e.name}.")
    except BaseException:
        pass  # it is there, and of no use
    return True


print("\nhotcell-probe 1 " + json.dumps({"lacks": [name for name in names if not there(name)]}), flush=True)
