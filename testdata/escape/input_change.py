# run: --module ctypes prices=@$DATA/eu-stock-indices.csv:DAX[100:200]
# exit: 0
# stdout: (?m)^mprotect WRITE: EACCES$
# stdout: (?m)^mremap grow: EPERM$
# stdout: (?m)^madvise REMOVE: EPERM$
# stdout: (?m)^\d+ attempts, the input is as it was$
# refused: syscall mremap
# refused: syscall madvise
# refused: syscall remap_file_pages
# refused: syscall shmget
"""An input cannot be made writable, grown, moved, punched or mapped again."""

import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
attempts = 0


def refused(what, number, *args):
    global attempts
    attempts += 1
    ctypes.set_errno(0)
    result, code = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in args)), ctypes.get_errno()
    print(f"{what}: {errno.errorcode.get(code, code)}")
    assert result == -1 and code, f"{what} gave {result}"


def model(prices):
    before, at = prices.tobytes(), prices.ctypes.data & ~4095
    for name, protection in ("WRITE", 3), ("WRITE alone", 2), ("EXEC", 5), ("all", 7):
        refused(f"mprotect {name}", 10, at, 4096, protection)
    for name, size, new, flags, to in [
        ("grow", 4096, 8192, 1, 0), ("grow in place", 4096, 8192, 0, 0), ("shrink", 4096, 4096, 0, 0), ("copy", 0, 4096, 1, 0),
        ("copy to", 0, 4096, 3, 0x200000000000), ("keep", 4096, 4096, 5, 0),
    ]:
        refused(f"mremap {name}", 25, at, size, new, flags, to)
    refused("mremap from the middle", 25, at + 8, 4096, 8192, 1, 0)
    refused("mremap of what lies before", 25, at - 4096, 12288, 16384, 1, 0)
    refused("remap_file_pages", 216, at, 4096, 0, 1, 0)
    for name, advice in ("REMOVE", 9), ("DONTFORK", 10), ("POPULATE_WRITE", 23), ("COLLAPSE", 25), ("PAGEOUT", 21), ("HWPOISON", 100):
        refused(f"madvise {name}", 28, at, 4096, advice)
    refused("pkey_mprotect", 329, at, 4096, 3, -1)
    refused("process_vm_writev to itself", 311, 1, 0, 0, 0, 0, 0)
    refused("clock_gettime into it", 228, 0, at)  # by the kernel's own hand
    refused("getrandom into it", 318, at, 8, 0)
    refused("getcwd into it", 79, at, 64)
    empty = ctypes.create_string_buffer(1)
    refused("fstatat into it", 262, 0, ctypes.addressof(empty), at, 0x1000)  # by the supervisor's
    refused("rt_sigpending into it", 127, at, 8)
    refused("sigaltstack into it", 131, 0, at)
    refused("memfd_create", 319, at, 0)
    refused("shmget", 29, 0, 4096, 0o1600)
    # Dropping pages of a shared mapping changes no byte, here or elsewhere.
    libc.madvise(ctypes.c_void_p(at), 4096, 4)
    assert prices.tobytes() == before
    print(f"{attempts} attempts, the input is as it was")
    return prices
