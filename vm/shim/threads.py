"""How many threads numeric libraries use.

The template imports them with one thread, since a fork keeps no other. After
the fork a sandbox raises the number to its share of processors, by the
libraries' own calls.

OpenBLAS wants 128 MiB of addresses for each of its threads, most of which it
never touches. Where it does not get them it asks again for ever. So the
template has it take them for the thread that all sandboxes have, where nothing
counts yet, and a sandbox starts more threads only where there is room.
"""

import ctypes
import os

from _hotcell import kernel

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


# A product of matrices, as OpenBLAS's builds name it, with its integers. Of its
# products this one takes work space for small matrices too.
PRODUCTS = (
    ("cblas_dsymm", ctypes.c_int),
    ("cblas_dsymm64_", ctypes.c_int64),
    ("scipy_cblas_dsymm", ctypes.c_int),
    ("scipy_cblas_dsymm64_", ctypes.c_int64),
)

# Rows of matrices of which it leaves the product to one thread, and to all.
ROWS_OF_ONE, ROWS_OF_ALL = 16, 128

# What one more thread of OpenBLAS takes: work space and stack.
THREAD_BYTES = (128 + 2) << 20


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


class Libraries:
    """The numeric libraries of this process."""

    def __init__(self, setters=(), products=()):
        self.setters = setters  # of numbers of threads
        self.products = products  # of the OpenBLAS libraries, with their integers

    def take_space(self, rows=ROWS_OF_ONE):
        """Has the threads of each OpenBLAS take their work space, by a product in which they take part."""
        zeros, product = ((ctypes.c_double * (rows * rows))() for _ in range(2))
        by_rows, left, upper = ctypes.c_int(101), ctypes.c_int(141), ctypes.c_int(121)
        one = ctypes.c_double(1)
        for multiply, integer in self.products:
            n = integer(rows)
            multiply(by_rows, left, upper, n, n, one, zeros, n, zeros, n, one, product, n)

    def fit(self, count):
        """Lets each library use count threads, or as many as there is room for."""
        while count > 1 and self.products and not kernel.has_room(2 * (count - 1) * len(self.products) * THREAD_BYTES):
            count -= 1
        if count > 1:
            for setter in self.setters:
                setter(ctypes.c_int(count))
            self.take_space(ROWS_OF_ALL)


def find():
    """The numeric libraries that are loaded, found while paths still lead to them."""
    setters, products = [], []
    for path in _loaded():
        base = os.path.basename(path)
        for part, functions in SETTERS.items():
            if part not in base and part not in path:
                continue
            try:
                library = ctypes.CDLL(path, os.RTLD_NOLOAD | os.RTLD_NOW)
            except OSError:
                continue
            found = [getattr(library, f) for f in functions if hasattr(library, f)]
            setters += found
            if part == "openblas" and found:
                products += [(getattr(library, f), integer) for f, integer in PRODUCTS if hasattr(library, f)][:1]
    return Libraries(setters, products)


def fit(libraries, count):
    """Fits this process to a share of count processors, and tells programs that ask that there are as many."""
    if hasattr(os, "sched_getaffinity"):
        mine = sorted(os.sched_getaffinity(0))[:count]
        os.sched_getaffinity = lambda pid: set(mine)
        count = len(mine)
    libraries.fit(count)
    os.cpu_count = lambda: count
    if hasattr(os, "process_cpu_count"):
        os.process_cpu_count = lambda: count
