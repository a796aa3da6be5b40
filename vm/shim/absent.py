"""Why a module cannot be imported after the lock-down, and what to do about it.

Without a word of ours the error would be that there is no such module, of
one that lies on the disk for everybody to see.
"""

import importlib.machinery
import sys

# What importing a module in the template raised, by its name.
failed = {}


class Absent:
    """The last finder of sys.meta_path: it finds nothing and says why."""

    def __init__(self):
        self.search, self.listed, self.loading = [], {}, []

    def remember(self, library):
        """Takes the contents of directories: the library's, and what the template's imports listed."""
        self.search = list(sys.path)
        self.listed = dict(library.listed)
        self.loading = library.loading
        for directory, finder in sys.path_importer_cache.items():
            # None for what is no directory.
            self.listed[directory] = getattr(finder, "_path_cache", ())

    def find_spec(self, name, path=None, target=None):
        callers = list(importers(sys._getframe(1)))
        # importlib.util.find_spec asks too, and means a question: a package
        # that looks for another one so has a way to do without it.
        if "_find_and_load" in callers:
            text = self.explain(name, path)
            if text:
                # "from package import name" drops the error about that very
                # name, for a text that says nothing.
                raise ModuleNotFoundError(text, name=None if "_handle_fromlist" in callers else name)
        return None

    def explain(self, name, path=None):
        """The reason as far as it is known, else ""."""
        if name in failed:
            return f"module {name} could not be imported before the lock-down: {failed[name]}"
        file = self.find(name.rpartition(".")[2], self.search if path is None else path)
        if not file:
            return ""
        # Loading beforehand what is being imported now brings all that it needs.
        wanted = self.loading[0] if self.loading else name
        return (
            f"module {name} ({file}) was not loaded before the lock-down, after which no library file can be opened: "
            f"add {wanted} to [modules] allow in the policy, or give --module {wanted}"
        )

    def find(self, stem, directories):
        """The file or directory that an import outside would find, by what is known of them."""
        suffixes = ["", *importlib.machinery.all_suffixes()]
        for directory in directories:
            names = self.listed.get(directory, ())
            for suffix in suffixes:
                if stem + suffix in names:
                    return f"{directory}/{stem}{suffix}"
        return ""


def not_installed(name):
    """What to do about a module of which nothing is known to this interpreter."""
    package = name.rpartition(".")[0]
    if package in sys.modules:
        return f"module {package} of this interpreter has no part {name.rpartition('.')[2]}"
    name = name.partition(".")[0]
    # Which one that is the report says: here only the binary is known, which
    # may be that of many virtual environments.
    return f"module {name} is not installed for this interpreter: install it there, or choose another with --interpreter (hotcell interpreters lists them)"


def importers(frame):
    """The functions of importlib that lead to a finder, the last called first."""
    while frame and frame.f_code.co_filename == sys._getframe(0).f_code.co_filename:
        frame = frame.f_back
    while frame and "importlib" in frame.f_code.co_filename:
        yield frame.f_code.co_name
        frame = frame.f_back


ABSENT = Absent()


# How the loader words that the filter refused it a file or executable memory.
LOADER = (
    "failed to map segment from shared object",
    "cannot open shared object file: Operation not permitted",
    "cannot open shared object file: Permission denied",
)


def with_cause(text):
    """A message, with what stands behind it if the loader could not do its work."""
    if any(words in text for words in LOADER):
        text += (
            " (no compiled code can be loaded after the lock-down: import the module that needs it by its name, "
            "in the model's source or with --module, and it is loaded before)"
        )
    return text


def reason(e):
    """An exception with its cause, in one line: packages bury it in an essay."""
    first = e
    for _ in range(20):
        before = e.__cause__ or (e.__context__ if isinstance(e, ImportError) and isinstance(e.__context__, ImportError) else None)
        if before is None:
            break
        e = before
    if e is first:
        return line(e)
    return f"{line(e)} (which led to {line(first)})"


def line(e):
    try:
        text = " ".join(str(e).split())
    except Exception:
        text = "<no text>"
    return f"{type(e).__name__}: {text}"[:240]
