# run: --module ctypes
# exit: 0
# refused: syscall mlock
# refused: syscall mlockall
# refused: syscall mq_open
# value: result "EPERM EPERM EPERM"
import ctypes
import errno


def model():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    page = ctypes.create_string_buffer(8192)

    def attempt(function, *args):
        assert function(*args) == -1
        return errno.errorcode[ctypes.get_errno()]

    return " ".join([attempt(libc.mlock, page, 4096), attempt(libc.mlockall, 1), attempt(libc.syscall, 240, b"q", 0o102, 0o600, None)])
