"""Sandboxes that are at a limit of theirs all the time."""

import hashlib
import threading


def cpu():
    while True:
        pass


def output():
    line = "x" * 1023
    while True:
        print(line)


def memory(limit=64 << 20):
    """Fills what is allowed but for an eighth, which the kernel needs itself
    (more would end this model), and is refused the rest."""
    while True:
        held = [bytearray(1 << 20) for _ in range(limit // 8 * 7 >> 20)]
        try:
            bytearray(limit)
        except MemoryError:
            held.clear()
        else:
            raise SystemExit("the memory limit did not hold")


def hash_on():
    while True:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000)  # without the interpreter's lock


def threads():
    try:
        while True:
            threading.Thread(target=hash_on, daemon=True).start()
    except RuntimeError:
        hash_on()


WAYS = {"cpu": cpu, "output": output, "memory": memory, "threads": threads}


def model(way):
    print("begun")
    WAYS[way]()
