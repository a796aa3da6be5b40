"""System calls that Python's standard library does not offer, by ctypes.

Every wrapper raises OSError with the errno of the failed call.
"""

import ctypes
import os
import sys

_libc = ctypes.CDLL(None, use_errno=True)
# The same, without giving the interpreter's lock up meanwhile.
_locked = ctypes.PyDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

# pivot_root, capset, seccomp; the newer ones have one number everywhere.
_NUMBERS = {"x86_64": (155, 126, 317), "aarch64": (41, 91, 277)}
_PIVOT_ROOT, _CAPSET, _SECCOMP = _NUMBERS[os.uname().machine]
_PIDFD_OPEN, _CLOSE_RANGE, _LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 434, 436, 444, 446

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
_MNT_DETACH = 2

_PR_SET_NAME, _PR_CAPBSET_DROP, _PR_SET_SECUREBITS, _PR_CAP_AMBIENT = 15, 24, 28, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
# NOROOT, NO_SETUID_FIXUP, KEEP_CAPS locked off, NO_CAP_AMBIENT_RAISE; all locked.
_SECUREBITS = 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80

PROT_READ, PROT_WRITE = 1, 2
_MAP_SHARED, _MAP_PRIVATE, _MAP_FIXED, _MAP_ANONYMOUS, _MAP_FIXED_NOREPLACE = 0x01, 0x02, 0x10, 0x20, 0x100000

_SET_MODE_FILTER, _FLAG_NEW_LISTENER, _FLAG_WAIT_KILLABLE = 1, 1 << 3, 1 << 5


def _check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags):
    _check(_libc.unshare(flags), "unshare")


def mount(source, target, kind, flags, data):
    _check(_libc.mount(source, target, kind, flags, data), "mount")


def pivot_root(new, old):
    _check(_libc.syscall(_PIVOT_ROOT, new, old), "pivot_root")


def detach(path):
    _check(_libc.umount2(path, _MNT_DETACH), "umount2")


# fork(2) by the raw call, so that it takes flags. CLONE_PIDFD stores the
# descriptor where CLONE_PARENT_SETTID would store the thread.
_CLONE, _CLONE_FLAGS_FIRST = {"x86_64": (56, True), "aarch64": (220, False)}[os.uname().machine]
_CLONE_PIDFD, _CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID = 0x1000, 0x200000, 0x1000000
_SIGCHLD, _PR_GET_TID_ADDRESS = 17, 40


def tid_address():
    """Where the C library keeps this thread's id, or None.

    Its fork has the kernel write the child's id there; a raw clone must too.
    Kernels without checkpoint/restore do not tell.
    """
    address = ctypes.c_void_p()
    if _libc.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0) < 0:
        return None
    return address.value


def fork_into(namespaces, tid):
    """A fork whose child begins in new namespaces: (pid, pidfd), (0, -1) in the child.

    CPython only: the interpreter's own hooks around a fork are called, those
    that libraries registered with pthread_atfork are not.
    """
    api = ctypes.pythonapi
    pidfd = ctypes.c_int(-1)
    flags = namespaces | _CLONE_PIDFD | _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID | _SIGCHLD
    none, parent, child = ctypes.c_void_p(), ctypes.byref(pidfd), ctypes.c_void_p(tid)
    # The last two are child_tid and tls, in an order of each machine's own.
    last = (child, none) if _CLONE_FLAGS_FIRST else (none, child)
    api.PyOS_BeforeFork()
    pid = _locked.syscall(ctypes.c_long(_CLONE), ctypes.c_ulong(flags), none, parent, *last)
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0, -1
    number = ctypes.get_errno()
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone: {os.strerror(number)}")
    return pid, pidfd.value


_CLONE_THREAD = 0x10000


def single_threaded():
    """Whether this process has one thread, native ones counted.

    There is no /proc to ask. Unsharing the thread group changes nothing in a
    process of one thread, and is refused in any other.
    """
    return _libc.unshare(_CLONE_THREAD) == 0


def pidfd_open(pid):
    """os.pidfd_open: PyPy lacks it, and builds of CPython on old headers."""
    return _check(_libc.syscall(_PIDFD_OPEN, pid, 0), "pidfd_open")


def close_from(first):
    _check(_libc.syscall(_CLOSE_RANGE, first, 0x7FFFFFFF, 0), "close_range")


def set_name(name):
    _libc.prctl(_PR_SET_NAME, name, 0, 0, 0)


def drop_capabilities():
    """Empties all five sets and makes sure that no later exec or uid change refills one."""
    _check(_libc.prctl(_PR_SET_SECUREBITS, _SECUREBITS, 0, 0, 0), "prctl(PR_SET_SECUREBITS)")
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break  # EINVAL: past the last one that this kernel knows
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl(PR_CAP_AMBIENT)")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.syscall(_CAPSET, header, (ctypes.c_uint32 * 6)()), "capset")


def landlock_abi():
    """The kernel's Landlock version, 0 where there is none."""
    return max(0, _libc.syscall(_LANDLOCK_CREATE, None, 0, 1))


def landlock_nothing(abi):
    """Forbids every access that Landlock can forbid at this version.

    A ruleset without rules: nothing is granted, in any directory.
    """
    rights = 13 + (abi >= 2) + (abi >= 3) + (abi >= 5)
    net = 3 if abi >= 4 else 0
    scoped = 3 if abi >= 6 else 0
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    attributes = (ctypes.c_uint64 * 3)((1 << rights) - 1, net, scoped)
    fd = _check(_libc.syscall(_LANDLOCK_CREATE, attributes, size, 0), "landlock_create_ruleset")
    try:
        _check(_libc.syscall(_LANDLOCK_RESTRICT, fd, 0), "landlock_restrict_self")
    finally:
        os.close(fd)


class _Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def seccomp(program, wait_killable):
    """Installs a filter; returns the listener's descriptor."""
    buffer = ctypes.create_string_buffer(program, len(program))
    p = _Program(len(program) // 8, ctypes.addressof(buffer))
    flags = _FLAG_NEW_LISTENER | (_FLAG_WAIT_KILLABLE if wait_killable else 0)
    return _check(_libc.syscall(_SECCOMP, _SET_MODE_FILTER, flags, ctypes.byref(p)), "seccomp")


def map_region(fd, size, writable, address):
    """Maps a region at an address of the granted range.

    Python's own mmap would keep a copy of the descriptor.
    """
    protection = PROT_READ | (PROT_WRITE if writable else 0)
    _map(address, size, protection, _MAP_SHARED | _MAP_FIXED_NOREPLACE, fd, 0)


def map_memory(size, address):
    """Memory of the sandbox's own at an address of the granted range."""
    _map(address, size, PROT_READ | PROT_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_FIXED_NOREPLACE, -1, 0)


def map_over(fd, offset, size, address):
    """Replaces pages of map_memory by pages of a region, to read."""
    _map(address, size, PROT_READ, _MAP_SHARED | _MAP_FIXED, fd, offset)


def _map(address, size, protection, flags, fd, offset):
    got = _libc.mmap(address, size, protection, flags, fd, offset)
    if got != address:
        number = ctypes.get_errno()
        if got not in (None, ctypes.c_void_p(-1).value):
            _libc.munmap(got, size)
        raise OSError(number, f"mmap of {size} bytes: {os.strerror(number)}")


def has_room(size):
    """Whether so many bytes of memory of one's own could be had now."""
    got = _libc.mmap(None, size, PROT_READ | PROT_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS, -1, 0)
    if got == ctypes.c_void_p(-1).value:
        return False
    _libc.munmap(got, size)
    return True


def protect(address, size):
    """Leaves memory to be read only."""
    _check(_libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), PROT_READ), "mprotect")


def writable_view(address, size):
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


if sys.implementation.name == "cpython":
    _view_memory = ctypes.pythonapi.PyMemoryView_FromMemory
    _view_memory.restype = ctypes.py_object
    _view_memory.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]
    _PYBUF_READ = 0x100

    def read_only_view(address, size):
        """A view of memory that nobody may write, and behind it no object that says otherwise.

        toreadonly() is not enough: numpy asks the object that a memoryview
        was made of, a ctypes array, finds it writable, and lets
        x.flags.writeable = True pass. The write after it is a segmentation
        fault, where the refusal is a ValueError.
        """
        return _view_memory(address, size, _PYBUF_READ)

else:

    def read_only_view(address, size):
        return writable_view(address, size).toreadonly()


def unmap(address, size):
    _check(_libc.munmap(address, size), "munmap")
