// Package child is what runs between the supervisor's re-execution of itself
// and the interpreter: it confines the process and then becomes the
// interpreter, which turns into the template that forks sandboxes.
//
// # Theory of operation
//
// The supervisor clones the child into new user, mount, PID, network, IPC,
// UTS and cgroup namespaces. On cgroup v2 it is born in its control group; on
// v1 it is moved there while it takes its steps, and the last one before the
// interpreter waits for it: the kernel may take ten milliseconds for the
// first move in a while. The child is then the init of its PID namespace: when
// it dies, all its sandboxes die. In its user namespace one id is mapped, to
// an unprivileged one of the host; the child has a few capabilities over its
// own namespaces, by the ambient set, and gives up all of them.
//
// Descriptors, at start and for the whole life of the template:
//
//	0  /dev/null
//	1  the supervisor's pipe for diagnostics
//	2  the same
//	3  control: the template's conversation (package ipc)
//	4  the shim: a sealed memory file, read and closed by the interpreter's
//	   first statement
//	5  instructions: a pipe; closed by exec
//	6  status: a pipe that a failing step is told through; closed by exec
//
// # Steps
//
// Instructions come over descriptor 5, never by argv or environment, which
// other processes can read. Then, in this order, each a function of its own:
//
//	propagation   no mount of ours reaches the host, none of the host's us
//	sources       clone the mounts that the interpreter needs, read-only
//	credentials   become the one mapped user; no supplementary groups
//	root          a new read-only root with the clones and nothing else
//	hostname      a fixed name in place of the host's
//	limits        resource limits that hold for template and sandboxes
//	personality   the plain one of Linux
//	privileges    no_new_privs; all capability sets empty for good
//	landlock      no TCP, no signal and no abstract socket to the outside
//	death         die with the supervisor
//	descriptors   everything above the shim closes on exec
//	admission     wait until the control group holds this process
//	exec          become the interpreter
//
// A step that fails is told to the supervisor as a StageError, and the child
// ends: nothing is ever run with less than all of them.
//
// Landlock's file rules are not applied here: under them nothing could be
// mounted any more, and each sandbox replaces its root by an empty one before
// it forbids itself all files (vm/shim/lockdown.py).
//
// # Scratch
//
// One more part is played under a name of its own, for a supervisor that may
// not mount: in user and mount namespaces of its own, a process makes one tmpfs
// that is attached nowhere, sends its descriptor up and ends. It is trusted
// from first to last, and no model is near.
package child
