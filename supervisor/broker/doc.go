// Package broker performs what a sandbox may do outside itself. It lives in
// the supervisor (parent), with the supervisor's rights, on behalf of one
// sandbox whose system calls wait at the seccomp listener.
//
// # Theory
//
// A sandbox has no file system: its root is empty, Landlock forbids what is
// left, and every call that takes a path is routed here. What the broker gives
// away is a result in the caller's memory or a descriptor in its table, never
// a call that the kernel continues. So three things must hold for every call:
// that it is decided on what is then done, that what is done stays below what
// was granted, and that what is given away is no more than was decided.
//
// Decided on what is done. The sandbox's memory changes while it is read, so
// every byte of it is copied once and used from the copy (a path swapped after
// the decision changes nothing). A notification's thread may die and its
// number return as another's, so Caller.Valid is asked after the last read
// and before anything is believed. A path is decided by its resolved text: a
// text without symbolic links is its own real path; each link met is replaced
// by what it says and the new text is decided as a whole before a single name
// of it is looked at, so that a refused name is not even probed.
//
// Below what was granted. The last step of every resolution is one openat2
// from the granted directory's descriptor, opened once, with a relative path
// free of "..", and RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS, NO_XDEV. It
// finds the file at exactly the decided path or fails. That settles the races:
//   - a link swapped in after the look is a link, and fails;
//   - a directory renamed on the way is no longer at the path, and fails, or
//     was still there at that instant, which is what was decided;
//   - a mount laid over a name is another mount, and fails;
//   - a granted directory that is itself renamed is still the granted one.
//
// The object is opened with O_PATH first, which has no side effects (opening
// a fifo or a device does), its type is checked on the descriptor, where it
// can no longer change, and the same object is reopened through /proc/self/fd
// with O_NONBLOCK and O_NOCTTY: a lease of somebody else's must not hold the
// supervisor. A path that led to a regular file is opened in one step while no
// rename could have changed that (expect_linux.go). Names are made, moved and
// removed relative to the descriptor of their parent directory, found the same
// way, by one name.
//
// No more than was decided. Only regular files and directories are given.
// A directory's descriptor was decided as a list, so reading entries needs no
// second decision. It is no way out: the calls that start from one are routed,
// and for those a descriptor is only asked for its path, which is then treated
// as any text. Attributes, locks and owners of host files never change, links
// are never made on the host, set-user-id bits are never set, and files that
// have one are not opened for writing.
//
// Of the network only connected TCP sockets are given, to addresses that were
// decided and checked (socket_linux.go, names.go).
//
// # What a sandbox sees
//
// Granted roots at their own paths; virtual files, which exist nowhere; and
// scratch, a detached tmpfs of the sandbox's own, at /tmp. The current
// directory is text here and nothing in the kernel. Everything belongs to the
// overflow user, which is what fstat, allowed by the filter, shows in a user
// namespace without a map.
//
// Errors: a refusal by decision is the decision's errno, EPERM unless it says
// otherwise. What was allowed but is not given (a fifo, another mount, a path
// below no root) is EACCES, and Answer.Refused says why; a write below a
// read-only root is EROFS; all else is the kernel's own errno.
//
// # Bounds
//
// A call costs at most maxSteps looks and maxLinks links, and its text at most
// PATH_MAX. Per sandbox the broker keeps one descriptor for each root and a
// few of its own, and at most cacheFiles virtual files of cacheBytes. A call
// runs in its caller's goroutine and may block as long as the file system
// below a root does (a network share), or as a connection takes up to its
// timeout; a Broker takes calls from several goroutines.
package broker
