# run: --module ctypes --max-operations 100000 --threads 12 --timeout 10s
# exit: 0
# stdout: (?m)^[1-9]\d{3} opened as often as they could: nothing$
"""The path changes while the supervisor reads it, between a harmless and a wanted one, and its page comes and goes."""

import ctypes
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.open.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
PATHS = b"/nothing/at/all\0", b"/etc/passwd\0\0\0\0\0"
done = False


def flip(path):
    while not done:
        for text in PATHS:
            ctypes.memmove(path, text, 16)
        ctypes.memset(path + 4000, 47, 96)  # no end in this page


def come_and_go(page):
    while not done:
        libc.munmap(page, 4096)
        libc.mmap(page, 4096, 3, 0x32, -1, 0)


def ask(path, count, got):
    for _ in range(count):
        if libc.open(path, 0, 0) >= 0:
            got.append(path)


def model():
    global done
    path = libc.mmap(None, 8192, 3, 0x22, -1, 0)
    others = [threading.Thread(target=flip, args=(path,)), threading.Thread(target=come_and_go, args=(path + 4096,))]
    got = []
    askers = [threading.Thread(target=ask, args=(path + offset, 250, got)) for offset in (0, 0, 0, 4000, 4000, 4096)]
    for t in others + askers:
        t.start()
    for t in askers:
        t.join()
    done = True
    for t in others:
        t.join()
    assert not got
    print(f"{6 * 250} opened as often as they could: nothing")
