// Package sampled stands in for what a host's control groups cannot do. It runs
// in the supervisor, for operators who chose weaker limits over none; a report
// says what it did.
//
// A Tree has what control groups the host gives, if any. Of the rest, each
// controller has a substitute that watches one process, the sandbox: its filter
// allows threads, not processes.
//
//	memory   the pages that /proc says the process has beyond those at Reset.
//	         Whoever wants a limit looks again every Period. RLIMIT_DATA, which
//	         the supervisor sets anyway, is the kernel's bound of private data,
//	         so what grows between two looks is shared memory. The peak is the
//	         kernel's mark of the most pages that there were.
//	cpuacct  the process's own CPU clock, as exact as a control group's
//	cpu      as many whole processors as the share needs; the filter refuses
//	         sched_setaffinity
//	pids     RLIMIT_NPROC, the supervisor's to set: threads count by user
//	         namespace, and a sandbox has its own
//	freezer  SIGSTOP, which the init of a PID namespace does not escape when it
//	         comes from outside
//
// Figures of a process that is gone are those of the last look.
//
// Nothing here takes the place of namespaces, the filter or Landlock: isolation
// is not a limit, and without it nothing runs.
package sampled
