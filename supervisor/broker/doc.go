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
// supervisor. A path that led to a regular file is opened in one step the next
// time, as nothing else can be brought there (expect_linux.go). Names are made,
// moved and removed relative to the descriptor of their parent directory, found
// the same way, by one name.
//
// No more than was decided. Only regular files and directories are given.
// A directory's descriptor was decided as a list, so reading entries needs no
// second decision. It is no way out: the calls that start from one are routed,
// and for those a descriptor is only asked for its path, which is then treated
// as any text. Attributes, locks and owners of host files never change, links
// are never made on the host, set-user-id bits are never set, and files that
// have one are not opened for writing.
//
// Rules go by path, so a move must not take a file past them: nothing is moved
// to where the policy allows more of it (Options.Movable). Links, fifos and
// devices are not moved at all, nor is a directory with one in it: the sandbox
// would gain nothing, as its own paths are decided by where they lead, but a
// relative link means another file from another place, and programs of the host
// follow it with their rights (move_linux.go).
//
// Of the network only connected TCP sockets are given, to addresses that were
// decided and checked (socket_linux.go, names.go).
//
// # Without a decision
//
// A call on what the sandbox holds already has nothing to decide: a descriptor
// that the broker gave (its length, its flags, a sync, entries of a directory,
// options of a connection), the text of the current directory, the umask. Such
// a call is done, unless the policy speaks of it by its name (Options.Named).
// Who bounds how many calls a sandbox makes counts them before Serve, as not
// every call leads to a decision, and one call may lead to several.
//
// With a network two habits of the C library have their answer without a
// decision, once for each name that is looked up: a socket for the name daemon
// (EAFNOSUPPORT) and a look at "/" (EACCES). Its configuration files are
// virtual ones that lead it to the granted names (NameFile).
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
// # With whose rights
//
// With the supervisor's. That is what a person expects of a command: it grants
// what he may read and write himself, root all of it. Root's word is enough for
// "read /etc", and nothing here asks whether some other user might. A service
// that takes grants from others must not run as root, or it hands out what the
// kernel would refuse them: one supervisor for each user, as that user.
//
// What is made on the host is for its owner: the sandbox's umask begins as 077,
// the supervisor's own holds beside it, and files are never executable. It
// belongs to the supervisor's user; root gives what is made in a user's
// directory to that user (owner_linux.go), so that results can be read, and
// nobody finds root's files in his home. Existing files keep their owner.
//
// # Bounds
//
// No host file grows beyond Options.MaxFile, here or by the sandbox's own
// writing (RLIMIT_FSIZE), and a sandbox makes at most maxMade names on the host; there
// is no bound on the sum (quota.go). At most maxSlow calls that take long are
// under way for one sandbox (Slow).
//
// A call costs at most maxSteps looks and maxLinks links, and its text at most
// PATH_MAX. Per sandbox the broker keeps one descriptor for each root and a
// few of its own, and at most cacheFiles virtual files of cacheBytes. A call
// runs in its caller's goroutine and may block as long as the file system
// below a root does (a network share), or as a connection takes up to its
// timeout, and Close waits for it. A Broker takes calls from several
// goroutines; renames of all sandboxes in a process take turns.
package broker
