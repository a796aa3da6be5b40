package cgroup

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func BenchmarkOpenClose(b *testing.B) {
	open(b)
	for b.Loop() {
		tree, err := Open(Options{})
		must(b, err)
		must(b, tree.Close())
	}
}

// BenchmarkLife is what a sandbox costs: each step's share is a metric of its
// own. Every 20 ms one is born, so that the kernel has forgotten the last move.
func BenchmarkLife(b *testing.B) {
	tree := open(b)
	spent := map[string]time.Duration{}
	step := func(name string, f func() error) {
		begin := time.Now()
		must(b, f())
		spent[name] += time.Since(begin)
	}
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		added := start(b, "sleep", nil)
		spawned := exec.Command("/bin/sleep", "1000")
		spawned.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		plain := exec.Command("/bin/sleep", "1000")
		time.Sleep(20 * time.Millisecond)
		b.StartTimer()
		var g *Group
		step("new", func() (err error) { g, err = tree.New(fmt.Sprint("g", i)); return err })
		step("set", func() error { return g.Set(small) })
		step("start", plain.Start)
		step("spawn", func() error { return g.Spawn(spawned.SysProcAttr, spawned.Start) })
		step("add", func() error { return g.Add(added.Process.Pid) })
		step("add-again", func() error { return g.Add(plain.Process.Pid) })
		step("reset", g.Reset)
		step("usage", func() error { _, err := g.Usage(); return err })
		step("cputime", func() error { _, err := g.CPUTime(); return err })
		step("freeze", func() error { return g.Freeze(tContext) })
		step("thaw", g.Thaw)
		step("kill", g.Kill)
		b.StopTimer()
		added.end()
		spawned.Wait()
		plain.Wait()
		b.StartTimer()
		step("remove", g.Remove)
	}
	for name, d := range spent {
		b.ReportMetric(float64(d.Microseconds())/float64(b.N), "µs-"+name)
	}
}
