# run: --module ctypes --module resource --module pwd --module platform --module socket --env GREETING=hello --max-operations 500
# exit: 0
# stdout: (?m)^environ: GREETING=hello$
# stdout: (?m)^pid 1, parent 0$
# stdout: (?m)^the stack holds no word of the host$
# stdout: (?m)^nothing of the host is seen$
# refused: syscall uname
# refused: syscall sysinfo
# refused: open /proc/stat
"""What a model sees of the host: times and a number of processors, no name and no process."""

import ctypes
import errno
import os
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
BUFFER = ctypes.create_string_buffer(4096)


def refused(what, number, *args):
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result, code = libc.syscall(ctypes.c_long(number), *args), ctypes.get_errno()
    print(f"{what}: {errno.errorcode.get(code, code)}")
    assert result == -1 and code, f"{what} gave {result}"


def fails(what, function, *args):
    try:
        got = function(*args)
    except (OSError, KeyError, ValueError) as e:
        print(f"{what}: {type(e).__name__}")
    else:
        raise AssertionError(f"{what} gave {got!r}")


def stack():
    """The strings that the kernel put on the stack at the start: arguments, environment, program."""
    libc.getauxval.restype = ctypes.c_ulong
    program = libc.getauxval(ctypes.c_ulong(31))
    return ctypes.string_at(program - 1024, 1024) + ctypes.string_at(program)


def model():
    print("environ:", *(f"{k}={v}" for k, v in os.environ.items()))
    assert dict(os.environ) == {"GREETING": "hello"}
    assert os.getpid() == 1 and os.getppid() == 0
    print("pid 1, parent 0")
    ids = os.getuid(), os.geteuid(), os.getgid(), os.getegid()
    assert set(ids) == {65534}, ids  # nobody: no id is mapped

    there = [word for word in stack().split(b"\0") if word.isascii() and len(word) > 3 and b"=" in word or b"/" in word]
    print("on the stack:", *there)
    for secret in b"HOME", b"USER", b"SSH", b"PWD", b"/root/", b"TOKEN", b"GREETING", b"host.py", b"hotcell run":
        assert secret not in stack(), secret
    print("the stack holds no word of the host")

    refused("uname", 63, BUFFER)
    fails("os.uname", os.uname)
    refused("sysinfo", 99, BUFFER)
    refused("syslog", 103, 3, BUFFER, 4096)
    refused("sethostname", 170, b"x", 1)
    refused("getgroups", 115, 64, BUFFER)
    refused("getresuid", 118, BUFFER, BUFFER, BUFFER)
    refused("getpgrp", 111)
    refused("setuid", 105, 0)
    refused("setgid", 106, 0)
    refused("setresuid", 117, 0, 0, 0)
    refused("setresgid", 119, 0, 0, 0)
    refused("setfsuid", 122, 0)
    refused("setgroups", 116, 0, 0)
    refused("capget", 125, BUFFER, BUFFER)
    refused("capset", 126, BUFFER, BUFFER)
    refused("clock_settime", 227, 0, BUFFER)
    refused("settimeofday", 164, BUFFER, 0)
    refused("adjtimex", 159, BUFFER)
    refused("clock_adjtime", 305, 0, BUFFER)
    refused("setrlimit", 160, 7, BUFFER)
    refused("sched_getparam", 143, 0, BUFFER)
    refused("sched_setaffinity", 203, 0, 8, BUFFER)
    refused("sysctl", 156, BUFFER)
    refused("lsm_list_modules", 461, BUFFER, BUFFER, 0)
    refused("lsm_get_self_attr", 459, 100, BUFFER, BUFFER, 0)
    refused("listns", 470, BUFFER, BUFFER, 1, 0)
    fails("load average", os.getloadavg)
    for path in "/proc/stat", "/proc/meminfo", "/proc/loadavg", "/proc/uptime", "/proc/mounts", "/proc/net/tcp", "/etc/machine-id":
        fails(path, open, path)
    import pwd
    import socket

    fails("pwd", pwd.getpwuid, 0)
    fails("gethostname", socket.gethostname)
    fails("gethostbyname", socket.gethostbyname, b"localhost")
    import resource

    fails("setrlimit", resource.setrlimit, resource.RLIMIT_NOFILE, (4, 4))
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (256, 256) and resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    assert time.process_time() < 60 and os.times().children_user == 0
    assert sys.argv == [""] and sys.path == [] and sys.orig_argv[-1:] != [__file__]
    print("nothing of the host is seen")
