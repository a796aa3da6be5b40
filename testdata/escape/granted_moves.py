# run: --module ctypes --write $WORK/write --scratch 1M --env WORK=$WORK --max-operations 200000 --threads 12 --timeout 20s
# exit: 0
# stdout: (?m)^a relative link moved up: EPERM$
# stdout: (?m)^a directory with a link moved: EXDEV$
# stdout: (?m)^a device moved: E(PERM|NOENT)$
# stdout: (?m)^[1-9]\d* opens among moves and links: [1-9]\d* granted, [1-9]\d* not, none secret$
# refused: open .*/secret.txt
# refused: open /etc/passwd
"""Directories are moved under paths that are being resolved, and links are put in their place."""

import ctypes
import errno
import os
import threading

libc = ctypes.CDLL(None, use_errno=True)
WORK = os.environ["WORK"]
ROOT = WORK + "/write"
EXCHANGE = 2
done = False
moved = linked = 0


def refused(what, function, *args):
    try:
        got = function(*args)
    except OSError as e:
        print(f"{what}: {errno.errorcode.get(e.errno, e)}")
    else:
        raise AssertionError(f"{what} gave {got!r}")


def exchange(a, b):
    if libc.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), EXCHANGE):
        raise OSError(ctypes.get_errno(), "")


def stays():
    """What the host put there as a trap does not become one elsewhere."""
    for what, name in [
        ("a relative link", "relative"), ("an absolute link", "absolute"), ("a link to the directory above", "above"), ("a link deeper down", "linked/up"),
        ("a fifo", "fifo"), ("a socket", "socket"), ("a device", "device"), ("a directory with a link", "linked"),
    ]:  # fmt: skip
        for place, to in ("moved up", "result"), ("moved down", "one/result"):
            refused(f"{what} {place}", os.rename, f"{ROOT}/{name}", f"{ROOT}/{to}")
        refused(f"{what} exchanged", exchange, f"{ROOT}/{name}", f"{ROOT}/a.txt")
        refused(f"{what} exchanged the other way", exchange, f"{ROOT}/b.txt", f"{ROOT}/{name}")
        print(f"{what} moved: ", end="")
        try:
            os.rename(f"{ROOT}/{name}", f"{ROOT}/other")
        except OSError as e:
            print(errno.errorcode[e.errno])
    for what, function, *args in [
        ("a link made", os.symlink, "../secret.txt", ROOT + "/new"), ("a hard link made", os.link, ROOT + "/a.txt", ROOT + "/new"),
        ("a hard link into scratch", os.link, ROOT + "/a.txt", "/tmp/new"), ("a link of scratch moved out", None, "/tmp/out", ROOT + "/new"),
        ("the root moved", os.rename, ROOT, WORK + "/other"), ("a file moved out", os.rename, ROOT + "/a.txt", WORK + "/a.txt"),
        ("a file moved in", os.rename, WORK + "/secret.txt", ROOT + "/in"), ("the root exchanged", exchange, ROOT + "/one", WORK),
    ]:  # fmt: skip
        if function is None:
            os.symlink("../secret.txt", "/tmp/out")
            function = os.rename
        refused(what, function, *args)


def moves():
    """one/two goes up and down, so that ".." of it is elsewhere."""
    global moved
    while not done:
        for a, b in ("one/two", "two"), ("two", "one/deep"), ("one/deep", "one/two"), ("one/c.txt", "c.txt"), ("c.txt", "one/c.txt"):
            try:
                os.rename(f"{ROOT}/{a}", f"{ROOT}/{b}")
                moved += 1
            except OSError:
                pass
        try:
            exchange(f"{ROOT}/one", f"{ROOT}/more")
        except OSError:
            pass


def links():
    """A link that is harmless, and is not."""
    global linked
    while not done:
        for target in ROOT + "/a.txt", WORK + "/secret.txt", "/etc/passwd", ROOT + "/one/../../secret.txt", ROOT + "/above/secret.txt":
            try:
                os.symlink(target, "/tmp/next")
                os.rename("/tmp/next", "/tmp/link")
                linked += 1
            except OSError:
                pass


def opens(got, home):
    up = "../" * 3 + "secret.txt"
    for i in range(600):
        for path in (
            "/tmp/link", "one/two/d.txt", "one/two/../c.txt", "one/two/../../a.txt", "one/two/../../../secret.txt", "two/../../secret.txt",
            "above/secret.txt", "relative", "absolute", "/tmp/../tmp/link", "linked/up", "linked/password",
        ):  # fmt: skip
            at = path if path[0] == "/" else f"{ROOT}/{path}"
            for flags in os.O_RDONLY, os.O_RDWR, os.O_RDONLY | os.O_NOFOLLOW:
                check(got, at, flags)
        check(got, up, os.O_RDONLY, home)
        check(got, "../a.txt", os.O_RDONLY, home)
        check(got, "d.txt", os.O_RDONLY, home)
        try:
            os.fchdir(home)
        except OSError:
            pass
        check(got, up, os.O_RDONLY)


def check(got, path, flags, at=None):
    try:
        fd = os.open(path, flags, dir_fd=at)
    except OSError as e:
        got.append(errno.errorcode[e.errno])
        return
    text = os.read(fd, 7)
    os.close(fd)
    assert text == b"granted", (path, text)
    got.append("granted")


def model():
    global done
    stays()
    os.mkdir(ROOT + "/more")
    home = os.open(ROOT + "/one/two", os.O_DIRECTORY)
    got = []
    others = [threading.Thread(target=t) for t in (moves, links)]
    for t in others:
        t.start()
    opens(got, home)
    done = True
    for t in others:
        t.join()
    assert moved and linked
    count = got.count("granted")
    print(f"{len(got)} opens among moves and links: {count} granted, {len(got) - count} not, none secret")
