"""What a launch is compared with: processes that have numpy already and isolate nothing.

    first COUNT    microseconds from os.fork() to the child's first byte
    rate SECONDS   forks a second, each waited for
    server COUNT   microseconds from the start of a process of multiprocessing's forkserver to its result
"""

import json
import multiprocessing
import os
import sys
import time

import numpy


def job(connection):
    connection.send_bytes(b"%d" % int(numpy.arange(8).sum()))


def first():
    r, w = os.pipe()
    begin = time.perf_counter_ns()
    pid = os.fork()
    if pid == 0:
        os.write(w, b"x")
        os._exit(0)
    os.read(r, 1)
    took = time.perf_counter_ns() - begin
    os.waitpid(pid, 0)
    os.close(r)
    os.close(w)
    return took / 1e3


def rate(seconds):
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        count += 1
    return count / (time.perf_counter() - begin)


def server(context):
    ours, theirs = context.Pipe()
    begin = time.perf_counter_ns()
    process = context.Process(target=job, args=(theirs,))
    process.start()
    ours.recv_bytes()
    took = time.perf_counter_ns() - begin
    process.join()
    ours.close()
    theirs.close()
    return took / 1e3


def main():
    what, count = sys.argv[1], float(sys.argv[2])
    if what == "first":
        found = [first() for _ in range(int(count))]
    elif what == "rate":
        found = [rate(count)]
    else:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["numpy", "forks"])
        server(context)
        found = [server(context) for _ in range(int(count))]
    print(json.dumps(found))
