// Package doctor examines the host: what it can enforce on a model, what it
// cannot, and what mends it.
//
// # How it works
//
// Examine gathers evidence, and then judges it. Gathering is all that touches
// the system; judging is pure, so that tests can show it hosts that nobody
// has at hand. What a version or a setting promises counts for nothing where
// the thing itself can be tried: settings only explain what was refused.
//
// # Processes
//
// Examine runs in the supervisor's process. What would bind or end the
// process that tries it is tried in probes: copies of this program, started
// as "hotcell doctor probe NAME" and ended by it, each within probeTime.
//
//	calls       makes system calls with arguments that let none of them do
//	            anything, to see who answers: the kernel, or a filter around
//	            this process. Such a filter may also kill
//	notify      puts a filter on one thread and answers its notification
//	            from another
//	namespaces  is cloned as a template is, takes the steps of a child, gives
//	            up all rights and makes a second set of namespaces, as a
//	            sandbox's. Examine looks into it as it does into sandboxes
//
// Their answers are lines on stdout. At last a real model runs in a
// real sandbox. Nothing is left behind but what a run leaves too: on control
// groups v2 the leaf in which this process lives.
package doctor
