# run: --module ctypes --read $WORK/read --env WORK=$WORK --max-operations 100000 --threads 12 --timeout 20s
# exit: 0
# stdout: (?m)^10000 opens: [1-9]\d* granted, [1-9]\d* refused, none secret$
# stdout: (?m)^[1-9]\d* looks from changing descriptors, none outside$
# refused: open .*/secret.txt
"""The path, the directory's descriptor and the result's place change while the supervisor works on a call."""

import ctypes
import os
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.open.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
WORK = os.fsencode(os.environ["WORK"])
PATHS = [WORK + name + b"\0" for name in (b"/read/a.txt", b"/secret.txt", b"/read/one/c.txt", b"/read/../secret.txt")]
STAT = ctypes.create_string_buffer(144)
done = False


def flip(path):
    """One thread writes whole paths, torn by the other."""
    while not done:
        for text in PATHS:
            ctypes.memmove(path, text, len(text))


def tear(path):
    while not done:
        for text in PATHS:
            for i in range(len(WORK), len(text)):
                path[i] = text[i]


def opener(path, count, got):
    for _ in range(count):
        fd = libc.open(path, 0, 0)
        if fd < 0:
            got.append("refused")
            continue
        got.append(os.read(fd, 7).decode())
        os.close(fd)


def shuffle(fd, directory, others):
    """The number names the directory, nothing, and what else is open."""
    while not done:
        for other in others:
            os.dup2(other, fd)
        os.close(fd)
        os.dup2(directory, fd)


def race(targets, work):
    global done
    done = False
    others = [threading.Thread(target=t, args=a) for t, a in targets]
    for t in others:
        t.start()
    work()
    done = True
    for t in others:
        t.join()


def paths():
    path = ctypes.create_string_buffer(PATHS[0], 4096)
    got = []

    def work():
        openers = [threading.Thread(target=opener, args=(path, 2500, got)) for _ in range(4)]
        for t in openers:
            t.start()
        for t in openers:
            t.join()

    race([(flip, (path,)), (tear, (path,))], work)
    assert set(got) == {"granted", "refused"}, set(got)
    print(f"{len(got)} opens: {got.count('granted')} granted, {got.count('refused')} refused, none secret")


def descriptors():
    """A directory's descriptor by number, of which each step may mean another."""
    root = os.open(WORK + b"/read", os.O_DIRECTORY)
    inner = os.open(WORK + b"/read/one/two", os.O_DIRECTORY)
    file = os.open(WORK + b"/read/a.txt", os.O_RDONLY)
    fd = os.dup2(inner, 200)  # where nothing that is opened meanwhile comes to lie
    looks = inside = 0

    def work():
        nonlocal looks, inside
        for i in range(3000):
            name = (b"../../../secret.txt", b"../secret.txt", b"../../a.txt", b"a.txt", b"d.txt")[i % 5]
            result = libc.openat(fd, name, 0, 0)
            if result >= 0:
                assert os.read(result, 7) == b"granted", name
                os.close(result)
                inside += 1
            assert libc.syscall(262, fd, name, STAT, 0) < 0 or b"secret" not in name
            if libc.fchdir(fd) == 0:
                assert libc.open(b"../../../secret.txt", 0, 0) < 0 and libc.open(b"../secret.txt", 0, 0) < 0
                assert os.getcwdb().startswith(WORK + b"/read")
            looks += 3

    race([(shuffle, (fd, inner, (root, file, 0, 1, 3)))], work)
    assert inside
    print(f"{looks} looks from changing descriptors, none outside")


def model():
    sys.setswitchinterval(1e-6)  # whoever comes back from a call goes on at once
    paths()
    descriptors()
