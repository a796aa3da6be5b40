// Package supervisor runs untrusted models: it starts templates, has them
// fork sandboxes, decides what the sandboxes may do, and says how each run
// ended and what it cost. All of it is the trusted parent; what lives in a
// sandbox is named so.
//
// # Processes
//
//	supervisor   this process, with the host application's rights
//	child        this program again in new namespaces (package child); it
//	             becomes the
//	template     an interpreter with the allowed modules imported, without
//	             any right; it forks
//	sandbox      one model's process, hostile from the hand-over on
//
// # Descriptors
//
// Of each template the supervisor holds: the process (a pidfd, in os.Process),
// its control socket (ipc.Conn), the read end of its diagnostics; while it
// starts, the pipes of instructions and status. The child's side is listed in
// its package comment.
//
// Of each sandbox: its pidfd, sent by the template; its control socket; the
// seccomp listener, taken by pidfd_getfd; the read ends of its stdout and
// stderr; the socket on which it asks; its memory, as a file; the regions that
// it has mapped. A sandbox holds five: 0 the null device, 1 and 2 the output
// pipes, 3 its end of the control socket, 4 of the one for questions.
//
// # Order of a run
//
//	groups     control groups for template and sandbox
//	child      cloned, instructed, admitted when it is in its group
//	Boot       what to import; Fork goes out behind it at once
//	Hello      from the locked sandbox: it is moved to its group, proved from
//	           /proc, its listener is taken
//	hand-over  figures are reset, limits that only go down are set, the clock
//	           starts; then Load carries the first byte of the model
//	Call       arguments in, Result or Exception out; any number of times for
//	           a model that was launched to stay
//	end        the first cause counts; the sandbox is killed, the results
//	           sealed and checked, the template killed, the groups removed
//
// # Death
//
// The template reaps its sandboxes and tells their wait status; the
// supervisor reaps the template, whose end is the end of all its sandboxes:
// it is the init of their PID namespace. The supervisor's own end kills the
// template by the parent-death signal.
package supervisor
