# run: --module ctypes --scratch 1M --read $DATA --env WHERE=$DATA --seed 7 --max-operations 100000 --timeout 10s --threads 8
# exit: 0
# stdout: (?m)^1000 calls, [1-9]\d* done, nothing of the host read$
"""Random calls that the supervisor performs, on random paths that change meanwhile: it neither falls nor is fooled."""

import ctypes
import os
import random
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
BASES = [b"/tmp/", b"/tmp/d/", b"", b"/", b"/etc/", b"/tmp/root/", b"/tmp/up/", os.environb[b"WHERE"] + b"/"]
NAMES = [b"a", b"d", b"root", b"up", b"loop", b"..", b".", b"", b"etc/passwd", b"passwd", b"d/..", b"../etc/passwd", b"README.md", b"a/", b"x" * 256]
FLAGS = [0, 1, 2, 0o101, 0o102, 0o301, 0o1001, 0o4000, 0x10000, 0x20000, 0x200000, 0x410002]
got = []
totals = [0, 0]
running = True


def write_path(r, buffer, offset):
    path = r.choice(BASES) + r.choice(NAMES) + r.choice([b"", b"/", b"/" + r.choice(NAMES)]) + b"\0"
    buffer[offset : offset + len(path)] = path


def flip(buffer):
    r = random.Random(1)
    while running:
        write_path(r, buffer, 0)
        write_path(r, buffer, 4096)


def choose(r, p, q, out):
    """One call of those with a path or a descriptor: its number and arguments."""
    d, f, m = r.choice([-100, -100, 0, 3, 4, 5, 6]), r.choice(FLAGS), 0o6777
    return r.choice([
        (257, d, p, f, m), (2, p, f, m), (437, d, p, q, 24), (262, d, p, out, r.choice([0, 0x100, 0x1000])), (332, d, p, r.choice([0, 0x1000]), 0xFFF, out),
        (267, d, p, out, r.choice([0, 1, 4096])), (258, d, p, m), (263, d, p, r.choice([0, 0x200])), (316, d, p, d, q, r.choice([0, 1, 2, 4])), (266, p, d, q),
        (265, d, p, d, q, r.choice([0, 0x400, 0x1000])), (268, d, p, m), (452, d, p, m, 0), (76, p, r.choice([0, 1, -1, 1 << 62])), (77, d, r.choice([0, 1, -1])),
        (217, d, out, r.choice([0, 1, 24, 4096, -1])), (80, p), (81, d), (95, r.choice([0, 0o77])), (21, p, r.randrange(8)), (280, d, p, r.choice([0, out]), 0), (91, d, m),
        (73, d, r.choice([2, 6, 8])), (72, d, r.choice([4, 5, 6, 7]), out), (137, p, out), (138, d, out), (79, out, r.choice([0, 1, 4096])), (132, p, 0), (74, d),
    ])  # fmt: skip


def calls(seed, count):
    r = random.Random(seed)
    buffer = ctypes.create_string_buffer(16384)
    at = ctypes.addressof(buffer)
    threading.Thread(target=flip, args=(buffer,)).start()
    for _ in range(count):
        call = choose(r, at, at + 4096, r.choice([at + 8192, at + 8192, at + 4090, 1, 0]))
        fd = libc.syscall(*map(ctypes.c_long, call))
        totals[0] += 1
        totals[1] += fd >= 0
        if fd > 3 and call[0] in (2, 257, 437):
            try:
                got.append(os.pread(fd, 16, 0))
            except OSError:
                pass  # it is a directory, or for writing
            os.close(fd) if r.random() < 0.7 else None
        if fd > 100:
            os.closerange(10, 256)
    got.append(buffer.raw[8192:])


def model():
    global running
    for name, target in ("root", "/"), ("up", "../.."), ("loop", "loop"), ("passwd", "/etc/passwd"):
        os.symlink(target, f"/tmp/{name}")
    os.mkdir("/tmp/d")
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=calls, args=(random.random(), 500)) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    running = False
    assert not any(b"root:" in text for text in got)
    print(f"{totals[0]} calls, {totals[1]} done, nothing of the host read")
