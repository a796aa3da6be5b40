package supervisor

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/supervisor/sampled"
)

// weaker says what stands in for a controller that the host does not give.
var weaker = []struct{ controller, text string }{
	{"memory", "memory: private data is bounded by RLIMIT_DATA, shared memory only measured, every " + sampled.Period.String() + "; what the kernel keeps for a model does not count"},
	{"cpu", "cpus: a model is bound to whole processors; it has no share of them"},
	{"cpuacct", "cpu-time: the process's own clock"},
	{"pids", "threads: bounded by RLIMIT_NPROC"},
	{"freezer", "questions: a model is stopped by SIGSTOP"},
}

// degraded lists which limits are weaker than they should be, each with what
// holds instead; none on a host that has all control groups.
func (s *Supervisor) degraded() []string {
	list := []string{}
	for _, w := range weaker {
		if s.lacks(w.controller) {
			list = append(list, w.text)
		}
	}
	return list
}

func (s *Supervisor) lacks(controller string) bool {
	return slices.Contains(s.tree.Layout().Missing, controller)
}

// notDegraded tells somebody who allowed weaker limits that they do not help.
func (s *Supervisor) notDegraded(cause *Cause) *Cause {
	if s.weaker && cause.Verdict == SetupError && cause.Unmet == UnmetHost {
		cause.Reason += "; --allow-degraded weakens limits only: what isolates a model has no stand-in"
	}
	return cause
}

// watchMemory ends a model at its memory limit where no control group does.
func (m *Model) watchMemory() {
	for {
		used, err := m.group.Usage()
		if err == nil && used.Memory > m.limits.Memory {
			m.endAlive(&Cause{Verdict: MemoryLimit, Source: FromSupervisor,
				Reason: fmt.Sprintf("the model had %d bytes of memory, its limit is %d", used.Memory, m.limits.Memory)})
			return
		}
		select {
		case <-time.After(sampled.Period):
		case <-m.ended:
			return
		}
	}
}

// exempt tells a group that counts shared memory itself how much of it is
// granted.
func (m *Model) exempt(bytes int64) {
	if g, ok := m.group.(*sampled.Group); ok {
		g.Exempt(bytes)
	}
}

// roomForStack tells, where nobody counts what threads are refused, that memory
// was in no thread's way: less than half of the model's data is in use. Dead
// threads leave their stacks behind for the next ones.
func (m *Model) roomForStack() bool {
	if !m.supervisor.lacks("pids") {
		return false
	}
	now, err := sizeOf(m.sandbox.pid)
	var limit unix.Rlimit
	if err != nil || unix.Prlimit(m.sandbox.pid, unix.RLIMIT_DATA, nil, &limit) != nil {
		return false
	}
	return now.data+dataBudget(m.limits.Memory)/2 < limit.Cur
}
