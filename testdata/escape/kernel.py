# run: --module ctypes --module mmap --max-operations 500
# exit: 0
# stdout: (?m)^io_uring_setup: EPERM$
# stdout: (?m)^mmap EXEC: EPERM$
# stdout: (?m)^seccomp FILTER: EPERM$
# stdout: (?m)^userfaultfd: EPERM$
# stdout: (?m)^\d+ attempts, nothing gained$
# refused: syscall io_uring_setup
# refused: syscall bpf
# refused: syscall perf_event_open
# refused: syscall userfaultfd
# refused: syscall keyctl
# refused: syscall unshare
# refused: syscall prctl
# refused: syscall mmap
# refused: syscall mprotect
"""The kernel's larger subsystems, by raw system calls: none can be reached."""

import ctypes
import errno
import mmap

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
BUFFER = ctypes.create_string_buffer(4096)
ONE = (ctypes.c_uint64 * 2)(1, 0)
FILTER = (ctypes.c_uint64 * 2)(1, 0)

PRCTL = {
    "PDEATHSIG": 1, "DUMPABLE": 4, "UNALIGN": 6, "KEEPCAPS": 8, "FPEMU": 10, "TIMING": 14, "ENDIAN": 20, "SECCOMP": 22, "CAPBSET_READ": 23,
    "CAPBSET_DROP": 24, "TSC": 26, "SECUREBITS": 28, "TIMERSLACK": 29, "PERF_DISABLE": 31, "PERF_ENABLE": 32, "MCE_KILL": 33, "MM": 35,
    "CHILD_SUBREAPER": 36, "NO_NEW_PRIVS": 38, "GET_NO_NEW_PRIVS": 39, "TID_ADDRESS": 40, "THP_DISABLE": 41, "MPX": 43, "FP_MODE": 45,
    "CAP_AMBIENT": 47, "SVE": 50, "SPECULATION": 53, "PAC": 54, "TAGGED_ADDR": 55, "IO_FLUSHER": 57, "SYSCALL_USER_DISPATCH": 59,
    "SCHED_CORE": 62, "SME": 63, "MDWE": 65, "MEMORY_MERGE": 67, "RISCV_V": 69, "FUTEX_HASH": 78, "PTRACER": 0x59616D61,
}
ADVICE = {"REMOVE": 9, "DONTFORK": 10, "DOFORK": 11, "MERGEABLE": 12, "COLD": 20, "PAGEOUT": 21, "POPULATE_WRITE": 23, "COLLAPSE": 25}
ADVICE |= {"HWPOISON": 100, "SOFT_OFFLINE": 101, "WIPEONFORK": 18, "GUARD": 102}

CALLS = [
    ("io_uring_setup", 425, 8, BUFFER), ("io_uring_enter", 426, 0, 1, 0, 0, 0, 0), ("io_uring_register", 427, 0, 0, BUFFER, 1),
    ("io_setup", 206, 8, BUFFER), ("io_submit", 209, 0, 1, BUFFER), ("bpf PROG_LOAD", 321, 5, BUFFER, 120), ("bpf MAP_CREATE", 321, 0, BUFFER, 72),
    ("perf_event_open", 298, BUFFER, 0, -1, -1, 0), ("userfaultfd", 323, 0), ("userfaultfd USER_MODE_ONLY", 323, 1),
    ("add_key", 248, b"user", b"x", b"y", 1, -3), ("request_key", 249, b"user", b"x", 0, -3), ("keyctl JOIN_SESSION", 250, 1, 0),
    ("keyctl READ", 250, 11, -4, BUFFER, 4096), ("init_module", 175, BUFFER, 16, b""), ("finit_module", 313, 0, b"", 0),
    ("delete_module", 176, b"x", 0), ("kexec_load", 246, 0, 0, 0, 0), ("kexec_file_load", 320, 0, 0, 0, b"", 0), ("reboot", 169, 0xFEE1DEAD, 0x28121969, 0, 0),
    ("unshare USER", 272, 0x10000000), ("unshare all", 272, 0x7E020080), ("unshare FILES", 272, 0x400), ("setns", 308, 0, 0), ("setns by 3", 308, 3, 0x40000000),
    ("seccomp STRICT", 317, 0, 0, 0), ("seccomp FILTER", 317, 1, 0, FILTER), ("seccomp FILTER LISTENER", 317, 1, 8, FILTER),
    ("seccomp GET_ACTION", 317, 2, 0, BUFFER), ("seccomp NOTIF_SIZES", 317, 3, 0, BUFFER), ("personality", 135, 0x0400000),
    ("personality to read", 135, 0xFFFFFFFF), ("arch_prctl GS", 158, 0x1001, 0), ("arch_prctl CPUID", 158, 0x1012, 0), ("arch_prctl XCOMP", 158, 0x1023, 18),
    ("arch_prctl SHSTK", 158, 0x5001, 1), ("arch_prctl LAM", 158, 0x4002, 6), ("iopl", 172, 3), ("ioperm", 173, 0, 1024, 1), ("modify_ldt", 154, 1, BUFFER, 16),
    ("set_thread_area", 205, BUFFER), ("get_thread_area", 211, BUFFER), ("vhangup", 153), ("remap_file_pages", 216, 0x1000000000, 4096, 0, 0, 0),
    ("mlock", 149, BUFFER, 4096), ("mlock2", 325, BUFFER, 4096, 1), ("mlockall", 151, 3), ("munlockall", 152), ("msync", 26, 0, 0, 0), ("mincore", 27, 0, 0, BUFFER),
    ("pkey_alloc", 330, 0, 0), ("pkey_mprotect EXEC", 329, 0, 4096, 7, -1), ("pkey_free", 331, 1), ("map_shadow_stack", 453, 0, 4096, 0), ("membarrier", 324, 1, 0, 0),
    ("shmget", 29, 0, 4096, 0o1600), ("shmat", 30, 0, 0, 0o100000), ("shmctl", 31, 0, 3, BUFFER), ("semget", 64, 0, 1, 0o1600), ("semop", 65, 0, BUFFER, 1),
    ("msgget", 68, 0, 0o1600), ("msgsnd", 69, 0, BUFFER, 1, 0), ("mq_open", 240, b"x", 0o102, 0o600, 0), ("mq_unlink", 241, b"x"),
    ("timer_create", 222, 0, 0, BUFFER), ("timerfd_create", 283, 1, 0), ("signalfd4", 289, -1, BUFFER, 8, 0), ("eventfd2", 290, 0, 0), ("epoll_create1", 291, 0),
    ("inotify_init1", 294, 0), ("fanotify_init", 300, 0, 0), ("landlock_create_ruleset", 444, BUFFER, 24, 0), ("landlock_restrict_self", 446, 0, 0),
    ("futex LOCK_PI", 202, BUFFER, 6 | 128, 0, 0), ("futex REQUEUE", 202, BUFFER, 3 | 128, 1, 1, BUFFER, 0), ("futex CMP_REQUEUE_PI", 202, BUFFER, 12 | 128, 1, 1, BUFFER, 0),
    ("futex shared WAKE", 202, BUFFER, 1, 1), ("futex shared WAIT", 202, BUFFER, 0, 1, ONE), ("futex on a grant", 202, 0x1000000000, 9, 0, ONE, 0, 1),
    ("futex FD", 202, BUFFER, 2, 1), ("futex_waitv", 449, BUFFER, 1, 0, 0, 0), ("futex_wake", 454, BUFFER, 1, 1, 2), ("futex_requeue", 456, BUFFER, 0, 1, 1),
    ("sched_setscheduler FIFO", 144, 0, 1, ONE), ("sched_setattr", 314, 0, BUFFER, 0), ("sched_rr_get_interval", 148, 0, BUFFER), ("nice by setpriority", 141, 0, 0, -1),
    ("ptrace TRACEME", 101, 0, 0, 0, 0), ("syslog", 103, 2, BUFFER, 4096), ("lookup_dcookie", 212, 0, BUFFER, 4096), ("process_vm_readv itself", 310, 1, 0, 0, 0, 0, 0),
    ("rseq_slice_yield", 471), ("uselib", 134, b"/lib/x.so"), ("create_module", 174, b"x", 4096), ("tuxcall", 184), ("security", 185), ("vserver", 236),
    ("rt_sigqueueinfo", 129, 1, 9, BUFFER), ("set_mempolicy_home_node", 450, 0, 4096, 0, 0), ("move_pages", 279, 0, 0, 0, 0, 0, 0),
    ("mmap EXEC", 9, 0, 4096, 7, 0x22, -1, 0), ("mmap EXEC alone", 9, 0, 4096, 4, 0x22, -1, 0), ("mmap EXEC of 0", 9, 0, 4096, 4, 2, 0, 0),
    ("mmap HUGETLB", 9, 0, 2 << 20, 3, 0x40022, -1, 0), ("mmap GROWSDOWN", 9, 0, 4096, 3, 0x122, -1, 0), ("mmap 32BIT", 9, 0, 4096, 3, 0x62, -1, 0),
    ("mmap LOCKED", 9, 0, 4096, 3, 0x2022, -1, 0), ("mmap SYNC", 9, 0, 4096, 3, 0x80023, -1, 0), ("mmap DROPPABLE", 9, 0, 4096, 3, 0x28, -1, 0),
    ("mmap with high bits", 9, 0, 4096, 1 << 32 | 3, 0x22, -1, 0), ("mremap DONTUNMAP", 25, 0x7F0000000000, 4096, 4096, 5, 0),
    ("mremap FIXED", 25, 0x7F0000000000, 4096, 4096, 3, 0x1000000000), ("mremap of a grant", 25, 0x1000000000, 4096, 8192, 1, 0),
    ("mremap at the end of grants", 25, 0x3FFFFFF000, 4096, 8192, 1, 0), ("mremap of a tagged address", 25, 1 << 57 | 0x1000000000, 4096, 8192, 1, 0),
    ("mremap beyond user addresses", 25, 1 << 63 | 0x1000000000, 0, 8192, 1, 0),
]


def model():
    page = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    CALLS.extend([
        ("mprotect EXEC", 10, address, 4096, 7), ("mprotect EXEC READ", 10, address, 4096, 5), ("mprotect SEM", 10, address, 4096, 11),
        ("mprotect GROWSDOWN", 10, address, 4096, 0x1000003), ("mprotect high bits", 10, address, 4096, 1 << 32 | 3),
        ("mprotect of libc", 10, ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095, 4096, 7),
    ])
    CALLS.extend((f"prctl {name} {value}", 157, number, value, 0, 0, 0) for name, number in PRCTL.items() for value in (0, 1))
    CALLS.extend((f"madvise {name}", 28, address, 4096, number) for name, number in ADVICE.items())
    for name, number, *args in CALLS:
        ctypes.set_errno(0)
        args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
        result, code = libc.syscall(ctypes.c_long(number), *args), ctypes.get_errno()
        print(f"{name}: {errno.errorcode.get(code, code)}")
        assert result == -1 and code, f"{name} gave {result}"
        assert not any(BUFFER.raw), f"{name} wrote {BUFFER.raw[:64]}"
    print(f"{len(CALLS)} attempts, nothing gained")
