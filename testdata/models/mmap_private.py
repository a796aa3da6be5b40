# run: --memory 100M --module mmap
# verdict: memory-limit
# source: model
# exit: 137
# usage: memory 95M
import mmap


def model():
    bombs = []
    while True:
        bombs.append(mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))  ### "^OSError: .Errno 12. Cannot allocate memory"
        bombs[-1].write(bytes(1 << 20))
