package supervisor

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/child"
	"hotcell/syscallpolicy"
)

// Stacks. The C library gives every new thread as much as the soft limit was
// when the interpreter began, and all of that counts as the model's data; the
// first thread's stack grows to what the limit is then, which the hand-over
// raises. With Python's default recursion limit both are ample.
const (
	threadStack = 2 << 20
	stackSize   = 8 << 20
)

// processLimits hold for templates and sandboxes alike; the child's step
// "limits" sets them, ahead of the interpreter. Of locked memory, message
// queues and core files a model gets none at all: the filter refuses the calls,
// and this holds should one get through. What depends on a model's own limits
// is set at the hand-over.
func processLimits() []child.Limit {
	none := func(resource int) child.Limit { return child.Limit{Resource: resource} }
	return []child.Limit{
		{Resource: unix.RLIMIT_NOFILE, Soft: 256, Hard: 256},
		{Resource: unix.RLIMIT_SIGPENDING, Soft: 64, Hard: 64},
		{Resource: unix.RLIMIT_STACK, Soft: threadStack, Hard: stackSize},
		none(unix.RLIMIT_CORE),
		none(unix.RLIMIT_MEMLOCK),
		none(unix.RLIMIT_MSGQUEUE),
		none(unix.RLIMIT_NICE),
		none(unix.RLIMIT_RTPRIO),
	}
}

// processSize is how large a process is, in bytes.
type processSize struct{ data, space, stack uint64 }

// modelLimits are what the kernel holds a model's process to by itself, from
// the hand-over on.
//
// Memory: most models that want too much shall get a MemoryError at their own
// line, so the limit of private data lies a little below the control group's,
// which counts more: pages that the model's process copies from its template,
// page tables, what the kernel keeps for it. Granted arrays count in neither.
//
// The address space is a far backstop and bounds mappings that are no data and
// hold no pages: on a host that does not overcommit they would use up the
// memory that all processes may ask for. It is the soft limit, which
// makeRoom raises; a sandbox cannot, as the filter refuses prlimit64.
//
// Threads stand behind the control group, which shall act first, as it tells:
// where there is one, they are one more. They count by user namespace, and a
// sandbox has its own.
func modelLimits(l syscallpolicy.Limits, now processSize, threads uint64) []child.Limit {
	both := func(resource int, n uint64) child.Limit { return child.Limit{Resource: resource, Soft: n, Hard: n} }
	space := now.space + uint64(l.Memory) + uint64(l.MaxOutput) + uint64(l.Threads)*threadSpace + spareSpace
	return []child.Limit{
		both(unix.RLIMIT_DATA, now.data+dataBudget(l.Memory)),
		{Resource: unix.RLIMIT_AS, Soft: space, Hard: unix.RLIM_INFINITY},
		both(unix.RLIMIT_NPROC, threads),
		both(unix.RLIMIT_FSIZE, uint64(l.MaxFile)),
		both(unix.RLIMIT_STACK, stackSize),
	}
}

const (
	threadSpace = threadStack + 128<<20 // what malloc reserves for a thread
	spareSpace  = 1 << 30
)

// dataBudget is how much of a model's memory may be data of its own.
func dataBudget(memory int64) uint64 {
	return uint64(memory - min(memory/8, 4<<20) - memory/128)
}

// limitProcess sets the limits of the hand-over.
func (m *Model) limitProcess() error {
	now := *m.sandbox.size
	m.bound = m.bytesIn.Load()
	m.exempt(m.bound)
	now.space += uint64(m.bound)
	threads := uint64(m.limits.Threads)
	if !m.supervisor.lacks("pids") {
		threads++
	}
	for _, l := range modelLimits(m.limits, now, threads) {
		if l.Resource == unix.RLIMIT_AS {
			m.space = l.Soft
		}
		if err := limitOf(m.sandbox.pid, l); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom lets a sandbox map what later calls bring.
func (m *Model) makeRoom() error {
	m.exempt(m.bound + m.granted.size())
	room := child.Limit{Resource: unix.RLIMIT_AS, Soft: m.space + uint64(m.granted.size()), Hard: unix.RLIM_INFINITY}
	return limitOf(m.sandbox.pid, room)
}

// limitCPU has the kernel end a model that is called once, should the
// supervisor not do so: the clock of the control group is faster and finer.
// That of a model which stays is a call's, and this limit never rises again.
func (m *Model) limitCPU() error {
	seconds := uint64(math.Ceil(m.limits.CPUTime.Seconds())) + cpuSpare
	return limitOf(m.sandbox.pid, child.Limit{Resource: unix.RLIMIT_CPU, Soft: seconds, Hard: seconds})
}

const cpuSpare = 2 // seconds: what the sandbox used before, and one to look

// limitOf sets a limit of a sandbox; a lower hard limit, which the host gave to
// this process, stays. A sandbox that is no more needs none: the conversation
// with it will tell.
func limitOf(pid int, l child.Limit) error {
	var now unix.Rlimit
	err := unix.Prlimit(pid, l.Resource, nil, &now)
	if err == nil {
		err = unix.Prlimit(pid, l.Resource, &unix.Rlimit{Cur: min(l.Soft, now.Max), Max: min(l.Hard, now.Max)}, nil)
	}
	if err != nil && err != unix.ESRCH {
		return fmt.Errorf("prlimit %d of the sandbox: %w", l.Resource, err)
	}
	return nil
}

// sizeOf reads what the kernel counts by RLIMIT_DATA, RLIMIT_AS and RLIMIT_STACK.
func sizeOf(pid int) (processSize, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return processSize{}, fmt.Errorf("read sandbox's memory: %w", err)
	}
	fields := statusFields(string(status))
	var size processSize
	for name, into := range map[string]*uint64{"VmData": &size.data, "VmSize": &size.space, "VmStk": &size.stack} {
		kib, err := strconv.ParseUint(strings.TrimSuffix(fields[name], " kB"), 10, 54)
		if err != nil {
			return processSize{}, fmt.Errorf("read sandbox's memory: %s: %w", name, err)
		}
		*into = kib << 10
	}
	return size, nil
}
