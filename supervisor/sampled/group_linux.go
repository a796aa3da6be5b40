package sampled

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/supervisor/cgroup"
)

// Period is how often to ask for Usage what has a limit of memory.
const Period = 10 * time.Millisecond

// A Group holds one process. Its methods may be called by any goroutine and
// mean what those of cgroup.Group mean.
type Group struct {
	tree  *Tree
	inner *cgroup.Group
	name  string

	mu     sync.Mutex
	limits cgroup.Limits
	pid    int
	pidfd  int
	exempt int64 // shared pages that are others'
	before look  // at Reset
	last   look
	peak   int64
	hits   int64 // looks at which no thread more was allowed
}

// Set gives the group its limits: the kernel's at once, the others to whoever
// is added.
func (g *Group) Set(l cgroup.Limits) error {
	g.mu.Lock()
	g.limits = l
	g.mu.Unlock()
	if g.inner == nil {
		return nil
	}
	return g.inner.Set(l)
}

// Spawn calls start; see cgroup.Group.
func (g *Group) Spawn(attr *syscall.SysProcAttr, start func() error) error {
	if g.inner == nil {
		return start()
	}
	return g.inner.Spawn(attr, start)
}

// Add takes a process in: the one that figures and limits are about.
func (g *Group) Add(pid int) error {
	if g.inner != nil {
		if err := g.inner.Add(pid); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pid != 0 {
		return fmt.Errorf("group %s: process %d: %w", g.name, pid, os.ErrExist)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("group %s: pidfd_open: %w", g.name, err)
	}
	g.pid, g.pidfd = pid, fd
	if !g.tree.has("cpu") && g.limits.CPUs > 0 {
		if err := confine(pid, g.limits.CPUs); err != nil {
			return fmt.Errorf("group %s: sched_setaffinity: %w", g.name, err)
		}
	}
	return nil
}

// confine binds a process with one thread to as many processors as the share
// needs, beginning at one that its id chooses: models side by side shall not
// all have the first.
func confine(pid int, cpus float64) error {
	var may, some unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &may); err != nil {
		return err
	}
	var list []int
	for cpu := range len(may) * 64 {
		if may.IsSet(cpu) {
			list = append(list, cpu)
		}
	}
	want := min(int(math.Ceil(cpus)), len(list))
	for i := range want {
		some.Set(list[(pid+i)%len(list)])
	}
	return unix.SchedSetaffinity(pid, &some)
}

// Exempt says how many bytes of shared memory that the process maps are not
// its own: granted arrays.
func (g *Group) Exempt(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.exempt = bytes
}

// Reset makes the figures count from now.
func (g *Group) Reset() error {
	if g.inner != nil {
		if err := g.inner.Reset(); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now, err := lookAt(g.pid)
	if err != nil {
		return fmt.Errorf("group %s: %w", g.name, err)
	}
	g.before, g.last, g.peak, g.hits = now, now, 0, 0
	return nil
}

// Usage is the kernel's figures, and what a look at the process gives for
// those that the kernel does not have.
func (g *Group) Usage() (cgroup.Usage, error) {
	var u cgroup.Usage
	if g.inner != nil {
		var err error
		if u, err = g.inner.Usage(); err != nil {
			return u, err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look()
	if !g.tree.has("memory") {
		u.Memory, u.Anon = g.memory(), g.last.anon-g.before.anon
		u.MemoryPeak, u.PeakExact = g.peak, false
	}
	if !g.tree.has("cpuacct") {
		u.CPU = g.last.cpu - g.before.cpu
	}
	if !g.tree.has("pids") {
		u.Pids, u.PidsLimitHits = g.last.threads, g.hits
	}
	return u, nil
}

// CPUTime is Usage.CPU.
func (g *Group) CPUTime() (time.Duration, error) {
	if g.tree.has("cpuacct") {
		return g.inner.CPUTime()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if cpu, err := cpuClock(g.pid); err == nil {
		g.last.cpu = cpu
	}
	return g.last.cpu - g.before.cpu, nil
}

// look takes a look if there is still something to see.
func (g *Group) look() {
	now, err := lookAt(g.pid)
	if err != nil {
		return
	}
	g.last = now
	g.peak = max(g.peak, g.memory(), g.risen())
	if g.limits.Pids > 0 && now.threads >= g.limits.Pids {
		g.hits++
	}
}

// memory is what the process has beyond what it had.
func (g *Group) memory() int64 {
	shared := max(0, g.last.shared-g.before.shared-g.exempt)
	return max(0, g.last.anon-g.before.anon) + shared
}

// risen is the most that it had by the kernel's own mark, which no look can
// miss. That is of all pages together, so what is not the process's own goes
// off as far as it is there now.
func (g *Group) risen() int64 {
	if g.last.high <= g.before.high {
		return 0
	}
	others := min(g.exempt, max(0, g.last.shared-g.before.shared)) + max(0, g.last.file-g.before.file)
	return g.last.high - g.before.total() - others
}

// Remove gives up what the group holds. Its process is dead, or is killed.
func (g *Group) Remove() error {
	var err error
	g.mu.Lock()
	if g.pid != 0 && g.pidfd >= 0 {
		if killErr := unix.PidfdSendSignal(g.pidfd, unix.SIGKILL, nil, 0); killErr != nil && killErr != unix.ESRCH {
			err = fmt.Errorf("group %s: kill: %w", g.name, killErr)
		}
		unix.Close(g.pidfd)
		g.pidfd = -1
	}
	g.mu.Unlock()
	if g.inner != nil {
		err = errors.Join(err, g.inner.Remove())
	}
	return err
}
