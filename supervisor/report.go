package supervisor

import (
	"strings"
	"time"

	"hotcell/supervisor/cgroup"
	"hotcell/syscallpolicy"
)

// Outcome is how one run ended and what it cost.
type Outcome struct {
	Cause      *Cause
	Results    *Results // when Cause.Verdict is OK
	Usage      Usage
	Limits     syscallpolicy.Limits
	Operations []OperationRecord
	Isolation  Isolation
	Stdout     []byte // the beginning of it
	Stderr     []byte
}

// Usage is what a run cost or, of a model that is still there, has cost so far.
// Times are in seconds; wall from the hand-over to the verdict, launch before
// it. Memory and CPU count from the hand-over.
//
// Memory is the control group's figure, the kernel's word: what the model's
// process touched first. That leaves the template's pages and granted arrays
// out, and has in it, beside the heap, shared memory, page tables, and the
// pages of results, which array_bytes_out says apart. Current is what there is
// now or was at the verdict: nothing, of a process that had died by then. Heap
// is the part of it that belongs to no file and nobody else: what the
// interpreter and native code allocated, and stacks. On v1 the kernel counts in
// steps of 256 KiB for each processor.
type Usage struct {
	WallSeconds        float64      `json:"wall_seconds"`
	CPUSeconds         float64      `json:"cpu_seconds"`
	LaunchSeconds      float64      `json:"launch_seconds"`
	LaunchSteps        []LaunchStep `json:"-"` // the parts of LaunchSeconds
	MemoryPeakBytes    int64        `json:"memory_peak_bytes"`
	MemoryCurrentBytes int64        `json:"memory_current_bytes"`
	MemoryHeapBytes    int64        `json:"memory_heap_bytes"`
	ArrayBytesIn       int64        `json:"array_bytes_in"`
	ArrayBytesOut      int64        `json:"array_bytes_out"`
	LogBytes           int64        `json:"log_bytes"`
	Operations         int64        `json:"operations"`
}

// Isolation is what held a run, as the kernel or, before any user byte, the
// sandbox itself said.
type Isolation struct {
	Namespaces   []string `json:"namespaces"`
	Cgroup       string   `json:"cgroup"`
	Seccomp      string   `json:"seccomp"`
	Landlock     int      `json:"landlock"`
	NoNewPrivs   bool     `json:"no_new_privs"`
	Capabilities string   `json:"capabilities"`
	Root         string   `json:"root"`
	UID          int      `json:"uid"`
	SharedUID    bool     `json:"shared_uid"`
	ExecMappings bool     `json:"executable_mappings"`
	Degraded     []string `json:"degraded"` // limits that were weaker, and what held instead
}

// finish ends the model if it has not ended, waits until nothing of it is
// left, and sums up. It is called once, last.
func (m *Model) finish(cause *Cause, results *Results) *Outcome {
	if ended := m.end(cause); ended.Verdict != cause.Verdict && ended.Verdict != OK {
		cause = ended
	}
	o := &Outcome{Cause: cause, Results: results, Limits: m.limits}
	o.Isolation.Degraded = m.supervisor.degraded()
	if m.sandbox != nil {
		o.Isolation = m.isolation()
	}
	m.tearDown()
	m.kept.close()
	m.granted.close()
	m.functions.close()
	defer m.line.close()
	if m.output != nil {
		m.output.Close()
	}
	o.Usage = m.usage()
	o.Operations = m.record.snapshot()
	o.Stdout, o.Stderr = m.logs.stdout.kept, m.logs.stderr.kept
	if err := m.removeGroups(); err != nil && cause.Verdict == OK {
		o.Cause = internalError("%v", err)
	}
	m.leave()
	m.log.Info("ended", "verdict", string(o.Cause.Verdict), "source", string(o.Cause.Source), "reason", clip(o.Cause.Reason, maxTarget),
		"wall_seconds", o.Usage.WallSeconds, "cpu_seconds", o.Usage.CPUSeconds, "launch_seconds", o.Usage.LaunchSeconds,
		"memory_peak_bytes", o.Usage.MemoryPeakBytes, "operations", o.Usage.Operations)
	return o
}

// tearDown leaves no process: the template's end is the end of all that it
// forked.
func (m *Model) tearDown() {
	if m.template != nil {
		m.endProcess()
	}
	if m.broker != nil {
		m.broker.Close() // a connection that is being made ends with it
	}
	if m.sandbox != nil {
		m.background.Wait()
		if !m.handed.IsZero() {
			m.logs.wait()
		}
		m.sandbox.close()
	}
}

func (m *Model) usage() Usage {
	m.look()
	u := Usage{LaunchSteps: m.steps.list, ArrayBytesIn: m.bytesIn.Load(), ArrayBytesOut: m.bytesOut.Load(), LogBytes: min(m.logs.total.Load(), m.limits.MaxLog), Operations: m.operations.Load()}
	if m.handed.IsZero() {
		u.LaunchSeconds = time.Since(m.started).Seconds()
		return u
	}
	u.LaunchSeconds = m.handed.Sub(m.started).Seconds()
	u.WallSeconds = m.clock.reading().Seconds()
	if used, err := m.group.Usage(); err == nil {
		u.CPUSeconds = used.CPU.Seconds()
		u.MemoryPeakBytes = used.MemoryPeak
		used = m.lastly(used)
		u.MemoryCurrentBytes, u.MemoryHeapBytes = used.Memory, used.Anon
	}
	return u
}

// lookLast keeps the figures of a process that is about to be killed, as its
// memory goes with it. The caller holds m.mu.
func (m *Model) lookLast() {
	if m.group != nil {
		m.last, _ = m.group.Usage()
	}
}

// lastly gives the present figures, or the last of a model that ended.
func (m *Model) lastly(now cgroup.Usage) cgroup.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause == nil {
		return now
	}
	return m.last
}

func (m *Model) removeGroups() error {
	if m.group != nil {
		if err := m.group.Remove(); err != nil {
			return err
		}
	}
	if m.templateGroup != nil {
		return m.templateGroup.Remove()
	}
	return nil
}

// layoutText is the kind of control groups with the controllers that hold.
func layoutText(l cgroup.Layout) string {
	if len(l.Controllers) == 0 {
		return "none"
	}
	return l.Kind + ": " + strings.Join(l.Controllers, " ")
}

func (m *Model) isolation() Isolation {
	return Isolation{
		Namespaces: m.sandbox.proof.namespaces, Cgroup: layoutText(m.supervisor.tree.Layout()),
		Seccomp: "filter, default action user notification", Landlock: m.sandbox.proof.landlock,
		NoNewPrivs: true, Capabilities: "none", Root: "empty, read-only",
		UID: m.sandbox.proof.uid, SharedUID: m.supervisor.identity.shared,
		Degraded: m.supervisor.degraded(),
	}
}
