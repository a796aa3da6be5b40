"""How many threads numeric libraries use.

The template imports them with one thread, since a fork keeps no other. After
the fork a sandbox raises the number to its share of processors, by the
libraries' own calls.
"""

import ctypes
import os

# Functions that set a number of threads, by what the library's file is called.
SETTERS = {
    "openblas": (
        "openblas_set_num_threads",
        "openblas_set_num_threads64_",
        "scipy_openblas_set_num_threads",
        "scipy_openblas_set_num_threads64_",
    ),
    "libgomp": ("omp_set_num_threads",),
    "libomp": ("omp_set_num_threads",),
    "libiomp": ("omp_set_num_threads",),
    "mkl_rt": ("MKL_Set_Num_Threads",),
    "libblis": ("bli_thread_set_num_threads",),
}


class _Object(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]


def _loaded():
    """The files of all loaded libraries: the linker's own list, as there is no /proc."""
    names = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Object), ctypes.c_size_t, ctypes.c_void_p)
    def visit(info, size, data):
        names.append(os.fsdecode(info.contents.name or b""))
        return 0

    ctypes.CDLL(None).dl_iterate_phdr(visit, None)
    return names


def load_unwinder():
    """Loads what ends a thread early, walks a native stack and throws C++ exceptions.

    The C library opens it when it is first needed, and ends the process
    where that is refused.
    """
    try:
        ctypes.CDLL("libgcc_s.so.1")
    except OSError:
        pass  # not on this machine, or of a C library that does without


# Libraries that must hear of a fork by pthread_atfork, or break after it.
WANT_ATFORK = ("libomp", "libiomp", "mkl_")


def fork_handlers():
    """Whether a loaded library may depend on its handlers around a fork."""
    return any(part in os.path.basename(path) for path in _loaded() for part in WANT_ATFORK)


def find():
    """The setters of the libraries that are loaded, found while paths still lead to them."""
    found = []
    for path in _loaded():
        base = os.path.basename(path)
        for part, functions in SETTERS.items():
            if part not in base and part not in path:
                continue
            try:
                library = ctypes.CDLL(path, os.RTLD_NOLOAD | os.RTLD_NOW)
            except OSError:
                continue
            found += [getattr(library, f) for f in functions if hasattr(library, f)]
    return found


def fit(setters, count):
    """Lets each library use count threads, and tells programs that ask that there are as many processors."""
    if count > 1:
        for setter in setters:
            setter(ctypes.c_int(count))
    os.cpu_count = lambda: count
    if hasattr(os, "process_cpu_count"):
        os.process_cpu_count = lambda: count
