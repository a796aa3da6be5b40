# run: --module ctypes --scratch 1M --max-operations 20000 --timeout 10s
# exit: 0
# stdout: (?m)^a link to /etc/passwd: EPERM$
# stdout: (?m)^full at [1-9]\d* KiB: ENOSPC$
# stdout: (?m)^\d+ attempts, nothing but scratch$
# refused: open /etc/passwd
"""A temporary directory of one's own, with links and all, leads nowhere and ends at its size."""

import ctypes
import errno
import os
import shutil
import stat
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
attempts = 0


def refused(what, function, *args, **named):
    global attempts
    attempts += 1
    try:
        got = function(*args, **named)
    except OSError as e:
        print(f"{what}: {errno.errorcode.get(e.errno, e)}")
    else:
        raise AssertionError(f"{what} gave {got!r}")


def model():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        for name, target in [
            ("passwd", "/etc/passwd"), ("up", "../" * 20 + "etc/passwd"), ("proc", "/proc/self/root/etc/passwd"), ("fd", "/proc/self/fd/0"),
            ("loop", "loop"), ("root", "/"), ("long", "x/" * 1500 + "y"), ("above", "../../.."),
        ]:  # fmt: skip
            os.symlink(target, name)
            refused(f"a link to {target[:40]}", open, name)
            refused("  looked at", os.stat, name)
            refused("  to go to", os.chdir, name)
            assert os.readlink(name) == target
        refused("through a link", open, "root/etc/passwd")
        refused("through a link up", os.listdir, "above/etc")
        refused("written through a link", open, "passwd", "w")
        refused("a hard link out of it", os.link, "/etc/passwd", "hard")
        assert libc.linkat(-100, b"passwd", -100, b"hard", 0x400) == -1, "a hard link through a link"
        refused("moved out", os.rename, "passwd", "/etc/motd")
        refused("moved in", os.rename, "/etc/passwd", "in")
        refused("a device", os.mknod, "null", 0o20666, os.makedev(1, 3))
        refused("a disk", os.mknod, "disk", 0o60666, os.makedev(8, 0))
        refused("a fifo", os.mkfifo, "fifo")
        with open("file", "w") as f:
            f.write("x")
        try:
            os.chmod("file", 0o6777)
        except OSError:
            pass
        assert not os.stat("file").st_mode & (stat.S_ISUID | stat.S_ISGID)
        refused("run", os.execv, os.path.abspath("file"), ["file"])
        refused("given away", os.chown, "file", 0, 0)
        refused("a kernel attribute", os.setxattr, "file", "security.capability", b"\1\0\0\2" + b"\xff" * 16)
        fd = os.open("file", os.O_RDWR)
        assert libc.mmap(None, ctypes.c_size_t(4096), 5, 1, fd, ctypes.c_long(0)) == -1
        os.close(fd)

        # A directory that is open while it moves, and after it is gone.
        os.makedirs("a/b/c")
        inside = os.open("a/b/c", os.O_RDONLY | os.O_DIRECTORY)
        os.rename("a/b/c", "c")
        refused("up from a moved directory", os.open, "../" * 9 + "etc/passwd", os.O_RDONLY, dir_fd=inside)
        os.rmdir("c")
        refused("up from one that is gone", os.open, "..", os.O_RDONLY, dir_fd=inside)
        os.close(inside)
        refused("over its own root", os.rename, home, "/tmp")
        refused("its root away", os.rmdir, "/tmp")

        size = 0
        try:
            with open("large", "wb", 0) as f:
                while size < 64 << 20:
                    size += f.write(bytes(4096))
        except OSError as e:
            print(f"full at {size >> 10} KiB: {errno.errorcode[e.errno]}")
        assert size <= 1 << 20, size
        os.truncate("large", 0)
        refused("larger than it", os.posix_fallocate, os.open("large", os.O_RDWR), 0, 1 << 30)
        with open("hole", "wb", 0) as f:
            f.truncate(1 << 40)
            assert os.stat("hole").st_blocks == 0
        made = 0
        try:
            while made < 10_000:
                os.close(os.open(f"n{made}", os.O_CREAT | os.O_WRONLY, 0o600))
                made += 1
        except OSError as e:
            print(f"{made} names: {errno.errorcode[e.errno]}")
        assert made < 10_000, made
        os.chdir("/tmp")
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home, exist_ok=True)
    print(f"{attempts} attempts, nothing but scratch")
