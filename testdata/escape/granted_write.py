# run: --module ctypes --write $WORK/write --env WORK=$WORK --max-operations 5000
# exit: 0
# stdout: (?m)^opened fifo to read: EACCES$
# stdout: (?m)^opened setuid to write: EPERM$
# stdout: (?m)^locked by flock: EPERM$
# stdout: (?m)^truncated to 1 EiB: EFBIG$
# stdout: (?m)^\d+ attempts, the file is as it was$
# refused: syscall chmod
# refused: syscall flock
# refused: syscall setxattr
"""A granted file's content may change, and nothing else about it; what is no file is never opened."""

import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
WORK = os.environ["WORK"]
ROOT = WORK + "/write"
FILE = os.fsencode(ROOT + "/a.txt")
BUFFER = ctypes.create_string_buffer(4096)
attempts = 0


def refused(what, number, *args):
    global attempts
    attempts += 1
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result, code = libc.syscall(ctypes.c_long(number), *args), ctypes.get_errno()
    print(f"{what}: {errno.errorcode.get(code, code)}")
    assert result == -1 and code, f"{what} gave {result}"


def specials():
    flags = [("read", 0), ("write", 1), ("both", 2), ("read and wait", 0x8000), ("truncate", 0x200), ("name it", 0x200000), ("create", 0x42), ("list", 0x10000)]
    for name in "fifo", "socket", "device", "relative", "absolute", "linked/password":
        for what, flag in flags:
            if name == "device" and not os.path.exists(f"{ROOT}/device"):
                continue
            refused(f"opened {name} to {what}", 2, os.fsencode(f"{ROOT}/{name}"), flag, 0o600)
            refused(f"opened {name} to {what}, one way", 257, -100, os.fsencode(f"{ROOT}/one/../{name}"), flag | 0x800, 0o600)
    refused("opened setuid to write", 2, os.fsencode(ROOT + "/setuid"), 1, 0)
    refused("opened setuid to truncate", 2, os.fsencode(ROOT + "/setuid"), 0x200, 0)
    refused("truncated setuid", 76, os.fsencode(ROOT + "/setuid"), 0)
    for what, mode in ("a fifo", 0o10666), ("a character device", 0o20666), ("a block device", 0o60666), ("a socket", 0o140666), ("a file", 0o100666):
        refused(f"made {what}", 133, os.fsencode(ROOT + "/node"), mode, 0x105)
        refused(f"made {what} at", 259, -100, os.fsencode(ROOT + "/node"), mode, 0x105)


def attributes(fd):
    lock = bytes([1, 0, 0, 0]) + bytes(28)
    for what, number, *args in [
        ("mode by chmod", 90, FILE, 0o4777), ("mode by fchmod", 91, fd, 0o4777), ("mode by fchmodat", 268, -100, FILE, 0o777), ("mode by fchmodat2", 452, -100, FILE, 0o777, 0),
        ("owner by chown", 92, FILE, 1, 1), ("owner by fchown", 93, fd, 1, 1), ("owner by lchown", 94, FILE, 1, 1), ("owner by fchownat", 260, fd, b"", 1, 1, 0x1000),
        ("times by utime", 132, FILE, 0), ("times by utimes", 235, FILE, 0), ("times by utimensat", 280, -100, FILE, 0, 0), ("times by futimens", 280, fd, 0, 0, 0),
        ("times by futimesat", 261, -100, FILE, 0), ("an attribute by setxattr", 188, FILE, b"user.a", BUFFER, 1, 0), ("by lsetxattr", 189, FILE, b"user.a", BUFFER, 1, 0),
        ("by fsetxattr", 190, fd, b"user.a", BUFFER, 1, 0), ("by removexattr", 197, FILE, b"user.a"), ("by setxattrat", 463, -100, FILE, 0, b"user.a", BUFFER, 24),
        ("by file_setattr", 469, -100, FILE, BUFFER, 24, 0), ("flags", 16, fd, 0x40086602, BUFFER), ("its version", 16, fd, 0x40087602, BUFFER), ("encryption", 16, fd, 0x800C6613, BUFFER),
        ("locked by flock", 73, fd, 2), ("locked by fcntl", 72, fd, 6, lock), ("locked and waiting", 72, fd, 7, lock), ("locked for the file", 72, fd, 37, lock),
        ("asked for its lock", 72, fd, 5, lock), ("leased", 72, fd, 1024, 1), ("notified of", 72, fd, 1026, 1), ("signals", 72, fd, 10, 9), ("its owner", 72, fd, 8, 1),
        ("sealed", 72, fd, 1033, 1), ("a hint", 72, fd, 1036, BUFFER), ("truncated to 1 EiB", 76, FILE, 1 << 60), ("truncated to 1 EiB by descriptor", 77, fd, 1 << 60),
        ("allocated", 285, fd, 0, 0, 1 << 40), ("cloned", 16, fd, 0x40049409, fd), ("copied", 326, fd, 0, fd, 0, 1, 0), ("sent", 40, fd, fd, 0, 1), ("advised", 221, fd, 0, 0, 4),
        ("mapped for execution", 9, 0, 4096, 5, 1, fd, 0), ("linked", 86, FILE, os.fsencode(ROOT + "/new")), ("linked by descriptor", 265, fd, b"", -100, os.fsencode(ROOT + "/new"), 0x1000),
        ("as swap", 167, FILE, 0), ("accounting", 163, FILE), ("a quota", 179, 0x800002, FILE, 0, BUFFER), ("mounted on", 165, FILE, FILE, 0, 4096, 0), ("watched", 254, 0, FILE, 2),
        ("its handle", 303, -100, FILE, BUFFER, BUFFER, 0), ("run", 59, FILE, 0, 0), ("run by descriptor", 322, fd, b"", 0, 0, 0x1000),
    ]:  # fmt: skip
        refused(what, number, *args)


def model():
    before = os.stat(FILE)
    specials()
    fd = os.open(FILE, os.O_RDWR)
    attributes(fd)
    after = os.stat(FILE)
    assert before == after, (before, after)
    assert os.pread(fd, 100, 0) == b"granted a.txt"

    # What it makes has no more than reading and writing for one.
    os.umask(0)
    made = os.open(ROOT + "/made", os.O_CREAT | os.O_RDWR, 0o6777)
    os.mkdir(ROOT + "/made.d", 0o7777)
    assert not os.fstat(made).st_mode & 0o7111 and not os.stat(ROOT + "/made.d").st_mode & 0o7000
    print(f"{attempts} attempts, the file is as it was")
