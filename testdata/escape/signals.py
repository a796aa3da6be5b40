# run: --module ctypes --max-operations 2000
# exit: 0
# stdout: (?m)^kill 2 with 9: EPERM$
# stdout: (?m)^pidfd_open 1: EPERM$
# stdout: (?m)^ptrace ATTACH 1: EPERM$
# stdout: (?m)^kill -1: there is nobody else$
# stdout: (?m)^own signal is handled: 10$
# stdout: (?m)^\d+ attempts, nothing gained$
# refused: signal kill
# refused: signal tgkill
# refused: signal rt_sigqueueinfo
# refused: signal pidfd_send_signal
# refused: syscall ptrace
# refused: syscall process_vm_readv
# refused: syscall process_vm_writev
# refused: syscall kcmp
# refused: syscall prlimit64
"""No signal to, no look at and no change of another process, whatever its number."""

import ctypes
import errno
import os
import signal

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
PIDS = [2, 3, 4, 5, 100, 1000, 30000, 4194303, 2**31 - 1, -2, -1000, -(2**31)]
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


def model():
    iov = (ctypes.c_size_t * 2)(ctypes.addressof(BUFFER), 64)
    limit = (ctypes.c_uint64 * 2)(1 << 62, 1 << 62)
    for pid in PIDS:
        for number in 0, 9, 19, 64, 65, -1:
            refused(f"kill {pid} with {number}", 62, pid, number)
        refused(f"tgkill {pid}", 234, pid, pid, 9)
        refused(f"rt_sigqueueinfo {pid}", 129, pid, 9, BUFFER)
        refused(f"rt_tgsigqueueinfo {pid}", 297, pid, pid, 9, BUFFER)
    for pid in [0, 1, os.getpid(), *PIDS]:
        refused(f"pidfd_open {pid}", 434, pid, 0)
        refused(f"pidfd_open thread {pid}", 434, pid, 0x80)
        refused(f"ptrace ATTACH {pid}", 101, 16, pid, 0, 0)
        refused(f"ptrace SEIZE {pid}", 101, 0x4206, pid, 0, 0)
        refused(f"process_vm_readv {pid}", 310, pid, iov, 1, iov, 1, 0)
        refused(f"process_vm_writev {pid}", 311, pid, iov, 1, iov, 1, 0)
        refused(f"kcmp {pid}", 312, pid, 1, 0, 0, 0)
        refused(f"prlimit64 {pid}", 302, pid, 7, limit, 0)
        refused(f"setpriority {pid}", 141, 0, pid, -20)
        refused(f"getpriority {pid}", 140, 0, pid)
        refused(f"ioprio_set {pid}", 251, 1, pid, 0)
        refused(f"sched_setscheduler {pid}", 144, pid, 1, BUFFER)
        refused(f"sched_setattr {pid}", 314, pid, BUFFER, 0)
        refused(f"sched_setaffinity {pid}", 203, pid, 8, BUFFER)
        refused(f"migrate_pages {pid}", 256, pid, 1, BUFFER, BUFFER)
        refused(f"move_pages {pid}", 279, pid, 0, 0, 0, 0, 0)
        refused(f"getpgid {pid}", 121, pid)
        refused(f"getsid {pid}", 124, pid)
        refused(f"setpgid {pid}", 109, pid, pid)
        refused(f"get_robust_list {pid}", 274, pid, BUFFER, BUFFER)
        refused(f"capget {pid}", 125, (ctypes.c_uint32 * 2)(0x20080522, pid & 0xFFFFFFFF), BUFFER)
    for pid in PIDS:
        refused(f"prlimit64 of {pid} to read", 302, pid, 7, 0, limit)
        ctypes.set_errno(0)
        assert libc.syscall(204, ctypes.c_long(pid), ctypes.c_long(128), BUFFER) == -1, f"sched_getaffinity of {pid}"
        clock = ~pid << 3 | 2  # another process's CPU time
        assert not 0 < pid < 1 << 28 or libc.syscall(228, ctypes.c_long(clock), BUFFER) == -1, f"clock of {pid}"
    for fd in range(4):
        refused(f"pidfd_send_signal {fd}", 424, fd, 9, 0, 0)
        refused(f"process_madvise {fd}", 440, fd, iov, 1, 21, 0)
        refused(f"process_mrelease {fd}", 448, fd, 0)
    refused("pidfd_send_signal to oneself", 424, -10000, 9, 0, 0)
    refused("rt_sigqueueinfo to oneself", 129, 1, 10, BUFFER)
    refused("ptrace TRACEME", 101, 0, 0, 0, 0)
    refused("timer_create", 222, 0, BUFFER, BUFFER)
    refused("signalfd4", 289, -1, BUFFER, 8, 0)

    # To itself it may send what it handles; the broadcast forms reach nobody else.
    heard = []
    signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    for pid in 1, 0:
        os.kill(pid, signal.SIGUSR1)
    try:
        os.kill(-1, signal.SIGUSR1)
    except ProcessLookupError:
        print("kill -1: there is nobody else")
    os.kill(1, 0)
    signal.raise_signal(signal.SIGUSR1)
    os.kill(1, signal.SIGSTOP)  # the kernel keeps the first of a namespace from it
    assert len(heard) >= 1 and set(heard) == {10}, heard
    print("own signal is handled:", heard[0])
    print(f"{attempts} attempts, nothing gained")
