"""Modules that are kept in memory, to be imported after the lock-down.

The template imports what a model names. More is imported later than that: an
encoding when its name turns up, a part of a package by the package's own
functions. No library file can be opened by then, and importing all of it
beforehand would cost more than the rest of the start. What is pure Python
needs only its bytes, and those are here.
"""

import importlib.machinery
import importlib.util
import marshal
import os
import sys

import _hotcell

# Bounds of what is kept of packages: more is no package, but a wrong path.
MAX_FILES = 5000
MAX_BYTES = 64 << 20

# Directories of a package that its other modules do not import.
UNUSED = frozenset(("test", "tests", "__pycache__"))

# A .pyc begins with a magic number, flags, and the source's time and size.
HEADER = 16


class Kept:
    """One module: code as marshal has it, or source text."""

    __slots__ = ("data", "is_code", "package", "path")

    def __init__(self, path, package, data, is_code=True):
        self.path, self.package, self.data, self.is_code = path, package, data, is_code


class Library:
    """A finder and loader for sys.meta_path."""

    def __init__(self):
        self.kept = {}
        self.size = 0
        self.listed = {}  # directories of packages, with the names in them
        self.loading = []  # modules that are being imported, the first one first

    def find_spec(self, name, path=None, target=None):
        module = self.kept.get(name)
        if module is None:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, origin=module.path, is_package=module.package)
        spec.has_location = True
        if module.package:
            spec.submodule_search_locations = [os.path.dirname(module.path)]
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__spec__.name
        self.loading.append(name)
        try:
            exec(self.get_code(name), vars(module))
        finally:
            self.loading.remove(name)

    def get_code(self, name):
        module = self.kept[name]
        if module.is_code:
            return marshal.loads(module.data)
        return compile(module.data, module.path, "exec", dont_inherit=True)

    def keep_standard(self, data, index):
        """Takes what came with the shim: the interpreter's own modules, already compiled."""
        view = memoryview(data)
        for name, (path, package, start, end) in index.items():
            self.kept[name] = Kept(path, package, view[start:end])

    def keep_packages(self, failed=(), all=False):
        """Keeps what the imported packages could import later of themselves, but for what has failed.

        numpy alone costs nothing, unless all is wanted: it loads nearly
        everything at once, and reading the rest would take a twentieth of the
        common start.
        """
        packages = installed_packages()
        if all or packages.keys() - {"numpy"}:
            for name, directories in packages.items():
                for directory in directories:
                    self.keep_directory(name, directory, failed)

    def keep_directory(self, name, directory, failed=()):
        """Keeps the modules of a package that are not imported yet, with all below it."""
        pending = [(name, directory)]
        while pending:
            package, directory = pending.pop()
            found = entries(directory)
            self.listed[directory] = {entry.name for entry in found}
            for entry in found:
                stem, dot, extension = entry.name.partition(".")
                if not stem.isidentifier() or stem in UNUSED:
                    continue
                if not dot and entry.is_dir():
                    pending.append((f"{package}.{stem}", entry.path))
                elif extension == "py" and len(self.kept) < MAX_FILES and self.size < MAX_BYTES:
                    self.keep_file(package, stem, entry, failed)

    def keep_file(self, package, stem, entry, failed):
        name = package if stem == "__init__" else f"{package}.{stem}"
        if name in sys.modules or name in self.kept or name in failed:
            return
        try:
            module = read_module(entry, stem == "__init__")
        except OSError:
            return  # not readable is not there
        self.kept[name] = module
        self.size += len(module.data)


def installed_packages():
    """The imported packages that are not of the standard library, with their directories."""
    standard = os.path.dirname(importlib.util.__file__ or "")
    standard = os.path.dirname(standard)
    found = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__path__", None)
        if "." in name or type(path) is not list:
            continue
        directories = [d for d in path if type(d) is str and os.path.dirname(d) != standard]
        if directories:
            found[name] = directories
    return found


def entries(directory):
    try:
        with os.scandir(directory) as found:
            return list(found)
    except OSError:
        return []


def read_module(entry, package):
    """A module's bytes: compiled if that is up to date, as importlib would judge it."""
    source = entry.stat()
    try:
        data = read_file(importlib.util.cache_from_source(entry.path))
    except (OSError, NotImplementedError):
        data = b""
    if up_to_date(data[:HEADER], source):
        return Kept(entry.path, package, memoryview(data)[HEADER:])
    return Kept(entry.path, package, read_file(entry.path), False)


def up_to_date(header, source):
    if len(header) < HEADER or header[:4] != importlib.util.MAGIC_NUMBER:
        return False
    flags = int.from_bytes(header[4:8], "little")
    if flags == 0:
        when = (int(source.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
        return header[8:] == when + (source.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    # Found by a hash of the source, of which nobody wants a check.
    return flags == 1


def read_file(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        parts = []
        while part := os.read(fd, size + 1):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


LIBRARY = Library()
LIBRARY.keep_standard(*getattr(_hotcell, "standard", (b"", {})))
