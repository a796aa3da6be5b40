# run: --module ctypes --max-operations 500
# exit: 0
# stdout: openat2: EPERM
# stdout: open_by_handle_at: EPERM
# stdout: pivot_root: EPERM
# stdout: (?m)^\d+ attempts, nothing gained$
# refused: open /etc/passwd
# refused: stat /etc/passwd
# refused: create /etc/hotcell
# refused: syscall mount
# refused: syscall memfd_create
# refused: syscall name_to_handle_at
"""Files by raw system calls, as native code would make them (x86-64 numbers)."""

import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
PASSWD, ROOT, NEW = b"/etc/passwd", b"/", b"/etc/hotcell"
ANY = ctypes.create_string_buffer(4096)
HOW = (ctypes.c_uint64 * 3)(0, 0, 0)
HANDLE = (ctypes.c_uint32 * 32)(64, 1)
TIMES = (ctypes.c_int64 * 4)()

CALLS = [
    ("open", 2, PASSWD, 0, 0), ("open O_PATH", 2, PASSWD, 0x200000, 0), ("open for writing", 2, PASSWD, 2, 0),
    ("open O_TMPFILE", 2, b"/tmp", 0x410002, 0o600), ("creat", 85, NEW, 0o600),
    ("openat", 257, AT_FDCWD, PASSWD, 0, 0), ("openat create", 257, AT_FDCWD, NEW, 0o102, 0o600),
    ("openat below 3", 257, 3, b"etc/passwd", 0, 0), ("openat empty path", 257, 3, b"", 0, 0),
    ("openat null", 257, AT_FDCWD, None, 0, 0), ("openat wild", 257, AT_FDCWD, ctypes.c_void_p(-4096), 0, 0),
    ("openat2", 437, AT_FDCWD, PASSWD, HOW, 24), ("openat2 no how", 437, AT_FDCWD, PASSWD, None, 24),
    ("name_to_handle_at", 303, AT_FDCWD, PASSWD, HANDLE, ANY, 0),
    ("name_to_handle_at of 1", 303, 1, b"", HANDLE, ANY, AT_EMPTY_PATH),
    ("open_by_handle_at", 304, 3, HANDLE, 0), ("open_by_handle_at cwd", 304, AT_FDCWD, HANDLE, 0),
    ("stat", 4, PASSWD, ANY), ("lstat", 6, PASSWD, ANY), ("newfstatat", 262, AT_FDCWD, PASSWD, ANY, 0),
    ("newfstatat of cwd", 262, AT_FDCWD, b"", ANY, AT_EMPTY_PATH),
    ("statx", 332, AT_FDCWD, PASSWD, 0, 0xFFF, ANY),
    ("statfs", 137, ROOT, ANY), ("fstatfs", 138, 0, ANY), ("ustat", 136, 1, ANY), ("statmount", 457, HOW, ANY, 4096, 0),
    ("listmount", 458, HOW, ANY, 16, 0), ("access", 21, PASSWD, 4), ("faccessat", 269, AT_FDCWD, PASSWD, 4),
    ("faccessat2", 439, AT_FDCWD, PASSWD, 4, 0), ("readlink", 89, b"/proc/self/exe", ANY, 4096),
    ("readlinkat", 267, AT_FDCWD, b"/proc/self/exe", ANY, 4096),
    ("chdir", 80, b"/etc"), ("fchdir", 81, 0), ("chroot", 161, ROOT), ("getdents", 78, 0, ANY, 4096),
    ("getdents64", 217, 0, ANY, 4096), ("getdents64 of 3", 217, 3, ANY, 4096),
    ("truncate", 76, PASSWD, 0), ("ftruncate", 77, 1, 0), ("fallocate", 285, 1, 0, 0, 1),
    ("rename", 82, PASSWD, NEW), ("renameat", 264, AT_FDCWD, PASSWD, AT_FDCWD, NEW),
    ("renameat2", 316, AT_FDCWD, PASSWD, AT_FDCWD, NEW, 1), ("mkdir", 83, NEW, 0o700), ("mkdirat", 258, AT_FDCWD, NEW, 0o700),
    ("rmdir", 84, NEW), ("link", 86, PASSWD, NEW), ("linkat", 265, AT_FDCWD, PASSWD, AT_FDCWD, NEW, 0),
    ("linkat of 3", 265, 3, b"", AT_FDCWD, NEW, AT_EMPTY_PATH), ("unlink", 87, PASSWD), ("unlinkat", 263, AT_FDCWD, PASSWD, 0),
    ("symlink", 88, PASSWD, NEW), ("symlinkat", 266, PASSWD, AT_FDCWD, NEW), ("mknod", 133, NEW, 0o20666, 0x103),
    ("mknodat", 259, AT_FDCWD, NEW, 0o20666, 0x103), ("chmod", 90, PASSWD, 0o777), ("fchmod", 91, 1, 0o777),
    ("fchmodat", 268, AT_FDCWD, PASSWD, 0o777), ("fchmodat2", 452, 1, b"", 0o777, AT_EMPTY_PATH), ("chown", 92, PASSWD, 0, 0),
    ("fchown", 93, 1, 0, 0), ("lchown", 94, PASSWD, 0, 0), ("fchownat", 260, AT_FDCWD, PASSWD, 0, 0, 0),
    ("utime", 132, PASSWD, 0), ("utimes", 235, PASSWD, 0), ("utimensat", 280, 1, None, TIMES, 0),
    ("futimesat", 261, AT_FDCWD, PASSWD, 0), ("setxattr", 188, PASSWD, b"user.a", ANY, 1, 0), ("fsetxattr", 190, 1, b"user.a", ANY, 1, 0),
    ("getxattr", 191, PASSWD, b"user.a", ANY, 1), ("fgetxattr", 193, 0, b"user.a", ANY, 1), ("listxattr", 194, PASSWD, ANY, 1),
    ("flistxattr", 196, 0, ANY, 1), ("removexattr", 197, PASSWD, b"user.a"), ("setxattrat", 463, AT_FDCWD, PASSWD, 0, b"user.a", HOW, 24),
    ("getxattrat", 464, AT_FDCWD, PASSWD, 0, b"user.a", HOW, 24), ("file_getattr", 468, AT_FDCWD, PASSWD, ANY, 24, 0),
    ("mount", 165, b"proc", ROOT, b"proc", 0, 0), ("mount tmpfs", 165, b"none", ROOT, b"tmpfs", 0, 0),
    ("mount remount", 165, None, ROOT, None, 32, 0), ("umount2", 166, ROOT, 2), ("pivot_root", 155, ROOT, ROOT),
    ("open_tree", 428, AT_FDCWD, ROOT, 1), ("open_tree_attr", 467, AT_FDCWD, ROOT, 1, HOW, 24),
    ("move_mount", 429, 0, b"", AT_FDCWD, ROOT, 4), ("fsopen", 430, b"proc", 0), ("fsconfig", 431, 3, 6, 0, 0, 0),
    ("fsmount", 432, 3, 0, 0), ("fspick", 433, AT_FDCWD, ROOT, 0), ("mount_setattr", 442, AT_FDCWD, ROOT, 0, HOW, 24),
    ("sysfs", 139, 3), ("uselib", 134, PASSWD), ("quotactl", 179, 0, ROOT, 0, ANY), ("quotactl_fd", 443, 0, 0, 0, ANY),
    ("memfd_create", 319, b"x", 0), ("memfd_create executable", 319, b"x", 0x10), ("memfd_secret", 447, 0),
    ("fadvise64", 221, 0, 0, 0, 4), ("readahead", 187, 0, 0, 4096), ("cachestat", 451, 0, HOW, ANY, 0),
    ("sync", 162), ("syncfs", 306, 0), ("fsync", 74, 1), ("flock", 73, 0, 6), ("fcntl lock", 72, 0, 6, ANY), ("lease", 72, 0, 1024, 1),
    ("copy_file_range", 326, 0, 0, 1, 0, 1, 0), ("sendfile", 40, 1, 0, 0, 1), ("splice", 275, 0, 0, 1, 0, 1, 0),
    ("tee", 276, 1, 2, 1, 0), ("vmsplice", 278, 1, HOW, 1, 0), ("pipe", 22, ANY), ("pipe2", 293, ANY, 0),
    ("preadv2", 327, 0, HOW, 1, 0, 0, 8), ("pwritev2", 328, 1, HOW, 1, 0, 0, 0),
    ("acct", 163, PASSWD), ("swapon", 167, PASSWD, 0), ("swapoff", 168, PASSWD), ("lookup_dcookie", 212, 1, ANY, 4096),
    ("nfsservctl", 180, 0, 0, 0),
]


def model():
    for name, number, *args in CALLS:
        ctypes.set_errno(0)
        args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
        result, code = libc.syscall(ctypes.c_long(number), *args), ctypes.get_errno()
        print(f"{name}: {errno.errorcode.get(code, code)}")
        assert result == -1 and code, f"{name} gave {result}"
        assert not any(ANY.raw), f"{name} wrote {ANY.raw[:64]}"
    print(f"{len(CALLS)} attempts, nothing gained")
