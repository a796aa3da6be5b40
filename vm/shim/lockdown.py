"""From a fresh fork of the template to a locked sandbox, step by step.

Nothing of a user's has been read while this runs. A step that fails raises
StageError; the supervisor shows its name and errno.
"""

import os

from _hotcell import kernel

# Descriptors of a locked sandbox; everything else is closed.
CONTROL = 3
ASKING = 4

NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)


class StageError(Exception):
    """A step of the lock-down that failed."""

    def __init__(self, stage, errno, text):
        super().__init__(f"{stage}: {text}")
        self.stage, self.errno, self.text = stage, errno, text


def step(function, *args):
    """Runs one step under its name."""
    try:
        return function(*args)
    except OSError as e:
        raise StageError(function.__name__, e.errno or 0, str(e)) from None


def namespaces(tid=None):
    """The step of the intermediate: its child is then PID 1 of a namespace.

    With tid it is the template's, in one with the fork: a fork into them. The
    new user namespace has no uid map and never gets one: nobody outside
    writes it, and the sandbox may not.
    """
    if tid:
        return kernel.fork_into(NAMESPACES, tid)
    kernel.unshare(NAMESPACES)


def group(files):
    """Into the control group, by its own files: moving a process from outside stops all forks of the host meanwhile.

    They bring in anybody who writes to them, so they are closed with all
    others before a user's byte is read.
    """
    for fd in files:
        os.write(fd, b"0")


def descriptors(control, asking, stdout, stderr):
    """Standard streams and the two sockets; the template's are closed."""
    # Away from the low numbers first: they may be each other's targets.
    moved = [os.dup(fd) for fd in (stdout, stderr, control, asking)]
    for target, fd in enumerate(moved, 1):
        os.dup2(fd, target, inheritable=False)
    kernel.close_from(ASKING + 1)


def session():
    """A session of its own, so that no terminal and no group is shared."""
    os.setsid()
    os.umask(0o077)
    kernel.set_name(b"hotcell-model")


def empty_root():
    """An empty read-only file system as the root, and nothing else mounted.

    The template's libraries are loaded already; what a model may open comes
    from the supervisor as a descriptor, never by a path of this namespace.
    """
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount(b"none", b"/", b"tmpfs", flags, b"size=4k,nr_inodes=2,mode=0555")
    # "/" still names the old root, which the new one covers; ".." of it is
    # the way on top.
    os.chdir("/..")
    kernel.pivot_root(b".", b".")
    kernel.detach(b".")
    os.chdir("/")


def capabilities():
    """unshare(CLONE_NEWUSER) gave a full set back; none is kept."""
    kernel.drop_capabilities()


def landlock():
    """No rule at all: no file, no TCP port, no signal out. 0 without Landlock."""
    abi = kernel.landlock_abi()
    if abi:
        kernel.landlock_nothing(abi)
    return abi


def seccomp(program, wait_killable):
    """The last step: from here on every call is judged. Returns the listener."""
    return kernel.seccomp(program, wait_killable)


def lock(fork):
    """Runs the steps after descriptors in order: (listener, Landlock version)."""
    step(session)
    step(empty_root)
    step(capabilities)
    abi = step(landlock)
    return step(seccomp, fork.filter, fork.wait_killable), abi
