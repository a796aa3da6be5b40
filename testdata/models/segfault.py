# run: --module ctypes
# verdict: crash
# source: kernel
# exit: 139
# reason: signal 11
import ctypes


def model():
    ctypes.string_at(0)
