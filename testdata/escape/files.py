# run: --max-operations 500
# exit: 0
# stdout: open /etc/passwd: EPERM
# stdout: listdir /: EPERM
# stdout: write /tmp/x: EPERM
# stdout: (?m)^\d+ attempts, nothing gained$
# refused: open /etc/shadow
# refused: open /proc/self/maps
# refused: open /dev/null
# refused: list /root
# refused: create /tmp/x
# refused: remove /etc/passwd
# refused: rename /etc/passwd
# refused: stat /sys
"""Files by Python's own means: none is read, listed, looked at or made."""

import errno
import glob
import io
import os
import pathlib
import shutil
import sys
import tempfile

READ = """/etc/passwd /etc/shadow /etc/hostname /etc/resolv.conf /root/.ssh/id_rsa /root/.bash_history /dev/mem /dev/kmem
/dev/null /dev/zero /dev/random /dev/tty /dev/ptmx /dev/shm /proc/self/maps /proc/self/mem /proc/self/environ /proc/self/status
/proc/self/fd/0 /proc/self/fd/3 /proc/self/exe /proc/thread-self/stat /proc/1/environ /proc/1/cmdline /proc/1/root/etc/passwd
/proc/kallsyms /proc/kcore /proc/sysrq-trigger /proc/sys/kernel/core_pattern /sys/kernel/notes /sys/fs/cgroup/cgroup.procs
passwd ../etc/passwd ./model.py . .. //etc//passwd /../../../etc/passwd""".split()
READ += [__file__, os.__file__, sys.executable, io.__spec__.origin, "/" * 4090, "/" + "x" * 300, "\udcff\n\x1b[2J"]
LIST = ["/", "/root", "/home", "/proc", "/proc/self/fd", "/sys", "/dev", "/tmp", ".", "..", os.path.dirname(os.__file__)]

attempts = 0


def attempt(what, function, *args):
    """The call must fail with an error of the operating system."""
    global attempts
    attempts += 1
    try:
        got = function(*args)
    except OSError as e:
        print(f"{what}: {errno.errorcode.get(e.errno, e)}")
        assert e.errno, what
    else:
        raise AssertionError(f"{what} gave {got!r}")


def model():
    for path in READ:
        attempt(f"open {path[:60]!a}" if len(path) > 60 or not path.isprintable() else f"open {path}", open, path, "rb")
        attempt("stat", os.stat, path)
    for path in LIST:
        attempt(f"listdir {path}", os.listdir, path)
        attempt("scandir", os.scandir, path)
        attempt("chdir", os.chdir, path)
    for path in "/tmp/x", "/x", "x", "/dev/shm/x", "/root/x", "/proc/self/comm", "/dev/stdout":
        attempt(f"write {path}", open, path, "w")
        attempt("append", open, path, "a")
        attempt("make", os.open, path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        attempt("mkdir", os.mkdir, path)
        attempt("mkfifo", os.mkfifo, path)
        attempt("symlink", os.symlink, "/etc/passwd", path)
        attempt("link", os.link, "/etc/passwd", path)
        attempt("rename", os.rename, "/etc/passwd", path)
        attempt("remove", os.remove, "/etc/passwd")
        attempt("truncate", os.truncate, path, 0)
        attempt("chmod", os.chmod, path, 0o777)
        attempt("chown", os.chown, path, 0, 0)
        attempt("utime", os.utime, path)
    attempt("tempfile", tempfile.TemporaryFile)
    attempt("mkdtemp", tempfile.mkdtemp)
    attempt("copy", shutil.copyfile, "/etc/passwd", "/tmp/x")
    attempt("disk", shutil.disk_usage, "/")
    attempt("readlink", os.readlink, "/proc/self/exe")
    attempt("O_TMPFILE", os.open, "/tmp", os.O_TMPFILE | os.O_RDWR)
    attempt("O_PATH", os.open, "/", os.O_PATH)
    attempt("statvfs", os.statvfs, "/sys")
    attempt("xattr", os.listxattr, "/")
    attempt("chroot", os.chroot, "/")
    for fd in range(4):
        attempt(f"listdir of {fd}", os.listdir, fd)
        attempt("chdir there", os.fchdir, fd)
        attempt("relative to it", lambda fd: os.open("etc/passwd", os.O_RDONLY, dir_fd=fd), fd)
        attempt("its path", os.readlink, f"/proc/self/fd/{fd}")
    assert os.getcwd() == "/"
    # What asks and does not raise says that there is nothing.
    assert not os.path.exists("/") and not os.path.exists("/etc/passwd") and not os.access("/", os.F_OK)
    assert not glob.glob("/*") and not list(os.walk("/"))
    attempt("glob", lambda: list(pathlib.Path("/").glob("*.py")))
    print(f"{attempts} attempts, nothing gained")
