// Package syscallpolicy says what a sandbox may do: the limits of a run, the
// operations that a model can try, the decisions on them, and the seccomp
// filter that decides the cheap half inside the kernel and asks the
// supervisor about the rest.
//
// # Where it runs
//
// Everything here runs in the supervisor (parent), which is trusted. Nothing
// in this package touches the process it runs in: Compile is pure, and the
// program it gives is installed by the sandbox on itself, before the sandbox
// reads a user's first byte. From then on the sandbox is hostile, so
// whatever an Operation carries (paths, arguments, addresses) was chosen by
// the model.
//
// # The filter
//
// The default action is user notification, so the filter is a list of what
// need not be asked. A call is
//
//	killed    from a foreign architecture or x32: the numbers would mean
//	          other calls, and no honest code makes them
//	allowed   by number alone: these answer by a bitmap in the kernel and
//	          cost nothing
//	allowed   by the values of its arguments (Dump prints the conditions)
//	refused   in the filter, with an errno, when libraries make it by habit
//	          and its answer is always the same (Refusals)
//	asked     otherwise: the supervisor classifies it (Classify), decides,
//	          and keeps a record
//
// Only argument values are ever compared. What a pointer points to can change
// after the comparison, so a call that is judged by a path or an address is
// asked, and then performed by the supervisor itself.
//
// # The policy
//
// A Policy answers an Operation with a Decision: the first rule that matches
// decides, rules of a command line before those of a file (Load) before those
// of the preset that it builds on, and what none matches is refused. A policy
// is a value, and deciding depends on nothing but the value and the operation.
//
// Targets are compared as bytes with patterns in which "**" is any number of
// components, * and ? are characters of one, [...] is one of a set and \ takes
// the meaning from the next character. "/a/**" is /a with all below it.
// Rules that allow reading say nothing of writing; what may be opened may be
// looked at. A Decision that allows names the directory below which the file
// is to be looked up, so that no link leads out of what was granted.
//
// An OCI seccomp profile is read as a table of system calls that only ever
// narrows. What it allows opens nothing: the filter's list and the rules decide
// as before. What it refuses or kills is refused or killed before any rule is
// asked, and what it has notified is decided by the rules; calls of either
// sort that the filter would allow by itself are asked (Shape.Asked). Where it
// means some arguments only, the supervisor compares them; for a call of the
// filter's list, unless the filter's own conditions imply them, the call is
// refused for all arguments, with a warning. A profile that refuses what no
// interpreter runs without is not taken.
//
// # Where the list comes from
//
// The allowed calls were measured with strace -f, after a marker that stands
// for the lock-down, on a script of ordinary numeric work (linear algebra,
// FFT, random numbers, threads and pools, large and growing allocations,
// sorting, garbage collection, tracebacks, clocks, JSON, regular expressions,
// decimals, signals, select and poll): Debian 12's Python 3.11.2 with numpy
// 1.24.2 on the reference BLAS and on OpenBLAS 0.3.21, single-threaded and
// not, forked and not; CPython 3.13.0 and PyPy 7.3.11 without numpy. What
// those runs made and is not here: opens, stats and reads of modules and of
// /sys/devices/system/cpu/online (asked, as files), clone3, mbind and
// ioctl TCGETS (refused in the filter), sysinfo (asked: it tells the host's
// memory, load and uptime). What is here without having been seen are the
// near relatives that an argument or a C library's version chooses instead
// (preadv beside pread64, nanosleep beside clock_nanosleep, ppoll beside poll).
package syscallpolicy
