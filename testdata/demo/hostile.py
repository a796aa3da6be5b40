"""A hostile model: it looks like a moving average and goes for the host."""

import os

import numpy as np


def model(prices):
    average = np.convolve(prices, np.ones(20) / 20, mode="valid")
    for attempt in (read_passwords, list_home, phone_home, start_shell):
        try:
            print(f"{attempt.__name__}: got {attempt()!r}")
        except OSError as e:
            print(f"{attempt.__name__}: {e}")
    prices[:] = 0.0  # and spoil the host's data for the next model
    return average


def read_passwords():
    return open("/etc/passwd").read()


def list_home():
    return os.listdir("/root")


def phone_home():
    import _socket

    return _socket.socket()


def start_shell():
    return os.posix_spawn("/bin/sh", ["sh", "-c", "id"], {})
