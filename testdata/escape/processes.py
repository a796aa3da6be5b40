# run: --module ctypes --module subprocess --module multiprocessing --module multiprocessing.popen_fork --module _posixsubprocess --max-operations 2000
# exit: 0
# stdout: (?m)^os.fork: EPERM$
# stdout: (?m)^clone3: ENOSYS$
# stdout: (?m)^clone NEWUSER: EPERM$
# stdout: (?m)^execveat: EPERM$
# stdout: (?m)^threads work$
# stdout: (?m)^\d+ attempts, nothing gained$
# refused: fork fork
# refused: fork vfork
# refused: fork clone
# refused: exec /bin/sh
"""No other process and no other program; threads are all that a model has."""

import ctypes
import errno
import multiprocessing.popen_fork
import os
import subprocess
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.system.restype = ctypes.c_int
attempts = 0

VM, FS, FILES, SIGHAND, PIDFD, PTRACE, VFORK, PARENT, THREAD = 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000, 0x8000, 0x10000
NEWNS, SYSVSEM, UNTRACED, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x40000, 0x800000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET, IO, NEWTIME = 0x10000000, 0x20000000, 0x40000000, 0x80000000, 0x80
PTHREAD = VM | FS | FILES | SIGHAND | THREAD | SYSVSEM
FLAGS = {
    "nothing": 0, "SIGCHLD": 17, "SIGKILL": 9, "VM": VM | 17, "VM VFORK": VM | VFORK | 17, "FILES": FILES | 17, "PARENT": PARENT | 17,
    "PIDFD": PIDFD | 17, "NEWUSER": NEWUSER | 17, "NEWPID": NEWPID | 17, "NEWNET": NEWNET | 17, "NEWNS": NEWNS | 17,
    "NEWIPC NEWUTS NEWCGROUP": NEWIPC | NEWUTS | NEWCGROUP | 17, "NEWTIME": NEWTIME, "IO": IO | 17, "everything": 0xFFFFFFFF,
    "high bits": 1 << 40 | 17, "INTO_CGROUP": 1 << 33 | 17, "a thread without FILES": PTHREAD & ~FILES,
    "a thread without FS": PTHREAD & ~FS, "a thread without SYSVSEM": PTHREAD & ~SYSVSEM, "a thread without THREAD": PTHREAD & ~THREAD,
    "a thread without SIGHAND": PTHREAD & ~SIGHAND, "a thread with UNTRACED": PTHREAD | UNTRACED, "a thread with PTRACE": PTHREAD | PTRACE,
    "a thread with NEWUSER": PTHREAD | NEWUSER, "a thread with NEWPID": PTHREAD | NEWPID, "a thread with PARENT": PTHREAD | PARENT,
    "a thread with PIDFD": PTHREAD | PIDFD, "a thread with VFORK": PTHREAD | VFORK, "a thread with high bits": PTHREAD | 1 << 32,
}


def python(what, function, *args):
    global attempts
    attempts += 1
    try:
        got = function(*args)
    except OSError as e:
        print(f"{what}: {errno.errorcode.get(e.errno, e)}")
    else:
        raise AssertionError(f"{what} gave {got!r}")


def refused(what, number, *args):
    global attempts
    attempts += 1
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result, code = libc.syscall(ctypes.c_long(number), *args), ctypes.get_errno()
    if result == 0 and number in (56, 57, 58, 435):
        os._exit(99)  # a child: the test fails by the missing word
    print(f"{what}: {errno.errorcode.get(code, code)}")
    assert result == -1 and code, f"{what} gave {result}"


def model():
    python("os.fork", os.fork)
    python("os.forkpty", os.forkpty)
    python("posix_spawn", os.posix_spawn, "/bin/sh", ["sh"], {})
    python("posix_spawnp", os.posix_spawnp, "sh", ["sh"], {"PATH": "/bin"})
    python("spawnl", os.spawnl, os.P_WAIT, "/bin/sh", "sh")
    python("execv", os.execv, "/bin/sh", ["sh"])
    python("popen", os.popen, "id")
    python("subprocess", subprocess.run, ["/bin/sh", "-c", "id"])
    python("subprocess shell", subprocess.check_output, "id", -1)
    python("multiprocessing", multiprocessing.get_context("fork").Process(target=print).start)
    assert os.system("id") != 0 and libc.system(b"id") != 0
    print("os.system: no shell")
    refused("fork", 57)
    refused("vfork", 58)
    for words, flags in FLAGS.items():
        refused(f"clone {words}", 56, flags, 0, 0, 0, 0)
    arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)
    refused("clone3", 435, arguments, 88)
    refused("clone3 into a control group", 435, (ctypes.c_uint64 * 11)(1 << 33, 0, 0, 0, 17, 0, 0, 0, 0, 0, 3), 88)
    argv, env = (ctypes.c_char_p * 2)(b"sh"), (ctypes.c_char_p * 1)()
    for path in b"/bin/sh", b"/proc/self/exe", b"", b"/usr/bin/python3":
        refused(f"execve {path.decode()}", 59, path, argv, env)
    refused("execveat", 322, -100, b"/bin/sh", argv, env, 0)
    for fd in range(4):
        refused(f"execveat of {fd}", 322, fd, b"", argv, env, 0x1000)
    refused("memfd_create, to execute it", 319, b"x", 0)
    refused("wait4", 61, -1, 0, 1, 0)
    refused("waitid", 247, 0, 0, 0, 4, 0)
    refused("setsid", 112)
    refused("setpgid", 109, 0, 0)
    refused("unshare FILES", 272, FILES)
    heard = []
    threads = [threading.Thread(target=heard.append, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(heard) == list(range(8))
    print("threads work")
    assert os.getpid() == 1 and os.getppid() == 0
    print(f"{attempts} attempts, nothing gained")
