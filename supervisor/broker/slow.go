package broker

import "hotcell/syscallpolicy"

// Slow tells the calls that may take long, because a peer or a disk does: a
// notifier serves them apart, so that the sandbox's other threads are
// answered meanwhile.
func Slow(call syscallpolicy.Syscall) bool {
	switch call.Name {
	case "connect", "fsync", "fdatasync":
		return true
	}
	return false
}
