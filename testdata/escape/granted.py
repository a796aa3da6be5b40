# run: --module ctypes --read $DATA --env WHERE=$DATA --max-operations 500
# exit: 0
# stdout: (?m)^listed: eu-stock-indices.csv$
# stdout: (?m)^up to the root: EPERM$
# stdout: (?m)^fd write: EBADF$
# stdout: (?m)^fd map for writing: EACCES$
# stdout: (?m)^\d+ attempts, nothing but what was granted$
# refused: open /etc/passwd
# refused: exec .*eu-stock-indices.csv
"""A granted directory is no way to what lies beside it, and its files' descriptors can read and no more."""

import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
FILE = b"eu-stock-indices.csv"
BUFFER = ctypes.create_string_buffer(4096)
attempts = 0


def call(number, *args):
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return libc.syscall(ctypes.c_long(number), *args), errno.errorcode.get(ctypes.get_errno(), "0")


def refused(what, number, *args):
    global attempts
    attempts += 1
    result, code = call(number, *args)
    print(f"{what}: {code}")
    assert result == -1, f"{what} gave {result}"


def granted():
    """Where the data lies: the one directory of the host that can be seen, by what names it in the environment."""
    return os.fsencode(os.environ["WHERE"])


def model():
    root = granted()
    directory, _ = call(257, -100, root, 0x10000, 0)
    file, code = call(257, directory, FILE, 0, 0)
    assert directory > 3 and file > 3, code
    print("listed:", *sorted(n for n in os.listdir(root) if n.endswith(b".csv"))[:1][0].decode().split())
    assert len(os.pread(file, 100, 0)) == 100

    up = b"../" * 30
    for name, path in [
        ("up to the root", up + b"etc/passwd"), ("up and down", FILE + b"/../../.." + b"/.." * 20 + b"/etc/passwd"), ("absolute", b"/etc/passwd"),
        ("the directory above", b".."), ("beside", b"../models"), ("magic link", b"/proc/self/fd/%d/../.." % directory), ("magic root", b"/proc/self/root/etc/passwd"),
    ]:  # fmt: skip
        refused(name, 257, directory, path, 0, 0)
        refused("  as a path", 257, directory, path, 0x200000, 0)
        refused("  by openat2", 437, directory, path, (ctypes.c_uint64 * 3)(0, 0, 0), 24)
        refused("  looked at", 262, directory, path, BUFFER, 0)
        refused("  gone to", 80, path if path[:1] == b"/" else root + b"/" + path)
    assert call(81, directory)[0] == 0 and os.getcwdb() == root  # it may go there, and no further
    refused("up from there", 80, b"..")
    refused("a file up from there", 2, b"../models/segfault.py", 0, 0)
    assert call(80, b"/etc")[0] == -1 and os.getcwdb() == root

    for name, flags in ("writing", 1), ("both", 2), ("truncating", 0o1000), ("creating", 0o102), ("appending", 0o2001):
        refused(f"open for {name}", 257, directory, FILE if flags != 0o102 else b"new", flags, 0o600)
    refused("O_TMPFILE", 257, directory, b".", 0x410002, 0o600)
    for name, number, *args in [
        ("mkdirat", 258, directory, b"new", 0o700), ("unlinkat", 263, directory, FILE, 0), ("renameat", 264, directory, FILE, directory, b"new"),
        ("symlinkat", 266, b"/etc/passwd", directory, b"new"), ("linkat", 265, directory, FILE, directory, b"new", 0), ("linkat of it", 265, file, b"", directory, b"new", 0x1000),
        ("fchmodat", 268, directory, FILE, 0o777), ("fchownat", 260, directory, FILE, 0, 0, 0), ("utimensat", 280, directory, FILE, 0, 0), ("truncate", 76, root + b"/" + FILE, 0),
        ("setxattr", 188, root + b"/" + FILE, b"user.a", BUFFER, 1, 0), ("mount", 165, root, root, 0, 4096, 0), ("execve", 59, root + b"/" + FILE, 0, 0),
        ("name_to_handle_at", 303, directory, FILE, BUFFER, BUFFER, 0), ("inotify", 254, 0, root, 2), ("statfs", 137, root, BUFFER),
    ]:  # fmt: skip
        refused(name, number, *args)
    for name, number, *args in [
        ("write", 1, file, b"x", 1), ("pwrite", 18, file, b"x", 1, 0), ("ftruncate", 77, file, 0), ("fallocate", 285, file, 0, 0, 1), ("fchmod", 91, file, 0o777),
        ("fchown", 93, file, 0, 0), ("futimens", 280, file, 0, 0, 0), ("fsetxattr", 190, file, b"user.a", BUFFER, 1, 0), ("flock", 73, file, 2), ("lock", 72, file, 6, BUFFER),
        ("lease", 72, file, 1024, 0), ("notify", 72, directory, 1026, 1), ("owner", 72, file, 8, 1), ("O_DIRECT", 72, file, 1033, 1), ("map for writing", 9, 0, 4096, 3, 1, file, 0),
        ("map for execution", 9, 0, 4096, 5, 1, file, 0), ("execveat", 322, file, b"", 0, 0, 0x1000), ("reopen", 2, b"/proc/self/fd/%d" % file, 2, 0), ("ioctl", 16, file, 0x40086602, BUFFER),
        ("splice", 275, file, 0, 1, 0, 1, 0), ("getdents of a file", 217, file, BUFFER, 4096), ("remap", 216, 0, 4096, 0, 0, 0), ("fadvise", 221, file, 0, 0, 4),
    ]:  # fmt: skip
        refused(f"fd {name}", number, *args)
    private = call(9, 0, 4096, 1, 1, file, 0)[0]
    refused("fd mprotect", 10, private, 4096, 3)
    assert call(217, directory, BUFFER, 4096)[0] > 0  # its names, which were granted
    print(f"{attempts} attempts, nothing but what was granted")
