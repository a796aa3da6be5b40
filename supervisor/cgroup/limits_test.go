package cgroup

import (
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/require"
)

// small are limits that suit a test's helper.
var small = Limits{Memory: 96 << 20, Pids: 64, CPUs: 1}

func TestSetRefuses(t *testing.T) {
	g := newGroup(t, open(t), "g")
	for _, l := range []Limits{
		{}, {Memory: 0, Pids: 1, CPUs: 1}, {Memory: 1 << 20, CPUs: 1}, {Memory: 1 << 20, Pids: 1},
		{Memory: -2, Pids: 1, CPUs: 1}, {Memory: 1 << 20, Pids: -7, CPUs: 1},
		{Memory: 1 << 20, Pids: 1, CPUs: 0.001}, {Memory: 1 << 20, Pids: 1, CPUs: math.NaN()},
		{Memory: 1 << 20, Pids: 1, CPUs: math.Inf(1)}, {Memory: 1 << 20, Pids: 1, CPUs: -0.5},
	} {
		if err := g.Set(l); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("Set(%+v) = %v; want ErrInvalid", l, err)
		}
	}
}

// TestSet compares with what the kernel says afterwards, in growing and
// shrinking order.
func TestSet(t *testing.T) {
	g := newGroup(t, open(t), "g")
	v2 := g.tree.layout.Kind == V2
	for _, l := range []Limits{
		{64 << 20, 10, 0.5}, {128 << 20, 20, 2}, {32 << 20, 5, 0.01},
		{Unlimited, Unlimited, Unlimited}, {64 << 20, 10, 1.5},
	} {
		if err := g.Set(l); err != nil {
			t.Fatalf("Set(%+v) = %v; want nil", l, err)
		}
		memory, quota := strconv.FormatInt(l.Memory, 10), strconv.FormatInt(l.quota(), 10)
		want := map[string]string{"pids.max": strings.Replace(strconv.FormatInt(l.Pids, 10), "-1", "max", 1)}
		if v2 {
			want["memory.max"], want["memory.swap.max"], want["memory.oom.group"] = strings.Replace(memory, "-1", "max", 1), "0", "1"
			want["cpu.max"] = strings.Replace(quota, "-1", "max", 1) + " 100000"
		} else {
			memory = strings.Replace(memory, "-1", "9223372036854771712", 1) // in pages
			want["memory.limit_in_bytes"], want["memory.memsw.limit_in_bytes"] = memory, memory
			want["cpu.cfs_quota_us"], want["cpu.cfs_period_us"] = quota, "100000"
		}
		for file, value := range want {
			controller, _, _ := strings.Cut(file, ".")
			if swapFile(v2) == file && !g.tree.layout.SwapBounded {
				continue
			}
			got, err := readFile(g.file(controller, file))
			if strings.TrimSpace(string(got)) != value {
				t.Errorf("after Set(%+v) %s = %q, %v; want %q", l, file, got, err, value)
			}
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(small))
	p := start(t, "alloc", []string{"200"})
	must(t, g.Add(p.Process.Pid))
	must(t, g.Reset())
	p.release()
	if s := p.end(); s.Signal() != syscall.SIGKILL {
		t.Errorf("200 MiB under a limit of 96 ended with %v; want SIGKILL", s)
	}
	u, err := g.Usage()
	must(t, err)
	t.Logf("usage %+v", u)
	if u.OOMKills < 1 || u.MemoryLimitHits < 1 {
		t.Errorf("OOMKills, MemoryLimitHits = %d, %d; want both positive", u.OOMKills, u.MemoryLimitHits)
	}
	if u.MemoryPeak < small.Memory*9/10 || u.MemoryPeak > small.Memory+1<<20 { // some charges go through
		t.Errorf("MemoryPeak = %d; want about %d", u.MemoryPeak, small.Memory)
	}
	if u.Pids != 0 {
		t.Errorf("Pids = %d; want 0", u.Pids)
	}
}

func TestMemoryFigures(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(small))
	p := start(t, "alloc", []string{"40"})
	must(t, g.Add(p.Process.Pid))
	must(t, g.Reset())
	p.release()
	p.expect(t, "allocated")
	full, err := g.Usage()
	must(t, err)
	p.release()
	p.expect(t, "freed")
	empty, err := g.Usage()
	must(t, err)
	must(t, g.Reset())
	after, err := g.Usage()
	must(t, err)
	t.Logf("full %+v\nempty %+v\nreset %+v", full, empty, after)

	const size = 40 << 20
	between := func(name string, got, low, high int64) {
		if got < low || got > high {
			t.Errorf("%s = %d; want between %d and %d", name, got, low, high)
		}
	}
	between("full Memory", full.Memory, size, size+8<<20)
	between("full Anon", full.Anon, size, full.Memory)
	between("full MemoryPeak", full.MemoryPeak, size, size+8<<20)
	between("empty Memory", empty.Memory, 0, 8<<20)
	between("empty MemoryPeak", empty.MemoryPeak, full.Memory-1<<20, size+8<<20)
	if after.PeakExact {
		between("MemoryPeak after Reset", after.MemoryPeak, 0, 8<<20)
	} else {
		t.Log("this kernel cannot reset its peak: it stays, marked as not exact")
		between("MemoryPeak after Reset", after.MemoryPeak, empty.MemoryPeak, empty.MemoryPeak)
	}
	between("MemoryBeforehand", after.MemoryBeforehand, 0, 8<<20)
}

func TestPidsLimit(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(Limits{Memory: 96 << 20, Pids: 5, CPUs: 1}))
	p := shell(t, "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done 2>/dev/null; wait")
	must(t, g.Add(p.Process.Pid))
	p.release()
	var u Usage
	for deadline := time.Now().Add(5 * time.Second); u.PidsLimitHits == 0 && time.Now().Before(deadline); {
		var err error
		u, err = g.Usage()
		must(t, err)
		if u.Pids > 5 {
			t.Errorf("Pids = %d; want at most 5", u.Pids)
		}
	}
	if u.PidsLimitHits < 1 {
		t.Errorf("PidsLimitHits = %d; want at least 1", u.PidsLimitHits)
	}
	must(t, g.Reset())
	if u, err := g.Usage(); err != nil || u.PidsLimitHits != 0 {
		t.Errorf("after Reset, PidsLimitHits = %d, %v; want 0", u.PidsLimitHits, err)
	}
}

// TestCPUTime compares the group's account with the process's own.
func TestCPUTime(t *testing.T) {
	if cpu, _ := os.ReadFile("/proc/cpuinfo"); strings.Contains(string(cpu), "User Mode Linux") {
		require.Skip(t, "user-mode-linux estimates CPU time from its ticks")
	}
	g := newGroup(t, open(t), "g")
	must(t, g.Set(small))
	p := start(t, "spin", []string{"300"})
	must(t, g.Add(p.Process.Pid))
	must(t, g.Reset())
	p.release()
	spent, err := time.ParseDuration(p.expect(t, "done"))
	must(t, err)
	got, err := g.CPUTime()
	must(t, err)
	if diff := (got - spent).Abs(); diff > spent/10 {
		t.Errorf("CPUTime() = %v; want %v within a tenth", got, spent)
	}
	must(t, g.Reset())
	if got, err := g.CPUTime(); err != nil || got > 20*time.Millisecond {
		t.Errorf("CPUTime() after Reset = %v, %v; want about 0", got, err)
	}
}

func TestCPULimit(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(Limits{Memory: 96 << 20, Pids: 64, CPUs: 0.25}))
	p := start(t, "spin", []string{"150"})
	must(t, g.Add(p.Process.Pid))
	begin := time.Now()
	p.release()
	p.expect(t, "done")
	// A quarter of a processor gives 25 ms in each period of 100.
	if wall := time.Since(begin); wall < 400*time.Millisecond {
		t.Errorf("150 ms of CPU time took %v at a quarter of a CPU; want at least 400ms", wall)
	}
}
