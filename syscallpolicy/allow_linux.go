package syscallpolicy

// allowed are the calls that every sandbox may make with any arguments: the
// package comment says where the list comes from. The kernel knows from its
// bitmap that these pass and does not run the filter.
//
// What they can do is bounded by the memory and the descriptors that the
// sandbox has. They take no path, no address and no other process, start
// nothing, and reach no subsystem beyond files, pipes, clocks, signals of
// one's own and memory of one's own.
var allowed = []string{
	// Descriptors. Not preadv2 and pwritev2: RWF_NOWAIT tells what is in the
	// page cache, that is what others read.
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek", "fstat",
	"close", "dup", "dup2", "dup3",
	"poll", "ppoll", "select", "pselect6",

	// Memory; mmap, mprotect, mremap and madvise have conditions. mseal is
	// how the shim pins the grants at the hand-over, where the kernel has it;
	// used by the model, it only takes freedom from the model.
	"brk", "munmap", "mseal",

	// Threads; clone and futex have conditions.
	"sched_yield", "sched_getaffinity", "getcpu", "set_robust_list", "set_tid_address", "rseq", "restart_syscall",

	// Who and how much am I.
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrusage", "getrlimit", "times",

	// Clocks and randomness. Not timer_create and timerfd: a larger piece of
	// the kernel for what setitimer and sleeping threads do.
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom",
	"getitimer", "setitimer", "alarm",

	// Signals to oneself. Sending one by kill or tgkill is asked.
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend",
	"sigaltstack", "pause",

	"exit", "exit_group",
}
