package supervisor

import (
	"golang.org/x/sys/unix"

	"hotcell/child"
)

// processLimits hold for templates and sandboxes alike. What depends on a
// model's own limits is set at the hand-over.
func processLimits() []child.Limit {
	none := func(resource int) child.Limit { return child.Limit{Resource: resource} }
	return []child.Limit{
		{Resource: unix.RLIMIT_NOFILE, Soft: 256, Hard: 256},
		{Resource: unix.RLIMIT_SIGPENDING, Soft: 64, Hard: 64},
		none(unix.RLIMIT_CORE),
		none(unix.RLIMIT_MEMLOCK),
		none(unix.RLIMIT_MSGQUEUE),
		none(unix.RLIMIT_NICE),
		none(unix.RLIMIT_RTPRIO),
	}
}
