package cgroup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFreeze(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(small))
	f, err := os.Create(filepath.Join(t.TempDir(), "counter"))
	must(t, err)
	defer f.Close()
	must(t, f.Truncate(4096))
	counter := mapCounter(f)
	p := start(t, "count", []string{f.Name()})
	must(t, g.Add(p.Process.Pid))
	p.release()
	moves := func() bool {
		before := counter.Load()
		time.Sleep(20 * time.Millisecond)
		return counter.Load() != before
	}
	for deadline := time.Now().Add(5 * time.Second); !moves(); {
		if time.Now().After(deadline) {
			t.Fatal("the counter does not count")
		}
	}
	for range 3 {
		if err := g.Freeze(tContext); err != nil {
			t.Fatalf("Freeze() = %v; want nil", err)
		}
		if moves() {
			t.Error("the counter moves in a frozen group")
		}
		if err := g.Thaw(); err != nil {
			t.Fatalf("Thaw() = %v; want nil", err)
		}
		if !moves() {
			t.Error("the counter stands after Thaw")
		}
	}
	must(t, g.Freeze(tContext))
	if err := g.Kill(); err != nil {
		t.Errorf("Kill() of a frozen group = %v; want nil", err)
	}
	if s := p.end(); s.Signal() != syscall.SIGKILL {
		t.Errorf("process ended with %v; want SIGKILL", s)
	}
	if err := g.Freeze(tContext); !errors.Is(err, ErrEnded) {
		t.Errorf("Freeze after Kill = %v; want ErrEnded", err)
	}
}

func TestFreezeEmptyAndBounded(t *testing.T) {
	g := newGroup(t, open(t), "g")
	if err := g.Freeze(tContext); err != nil {
		t.Errorf("Freeze of an empty group = %v; want nil", err)
	}
	must(t, g.Thaw())
	ctx, cancel := context.WithCancel(tContext)
	cancel()
	p := start(t, "sleep", nil)
	must(t, g.Add(p.Process.Pid))
	if err := g.Freeze(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Freeze with a cancelled context = %v; want nil or Canceled", err)
	}
	must(t, g.Kill())
}

// TestFreezeAgainstKill lets the two race: whatever the order, the processes
// must die.
func TestFreezeAgainstKill(t *testing.T) {
	tree := open(t)
	for range 10 {
		g := newGroup(t, tree, "g")
		p := start(t, "sleep", nil)
		must(t, g.Add(p.Process.Pid))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := g.Freeze(tContext); err != nil && !errors.Is(err, ErrEnded) {
					t.Errorf("Freeze() = %v; want nil or ErrEnded", err)
				}
			})
			wg.Go(func() {
				if err := g.Kill(); err != nil {
					t.Errorf("Kill() = %v; want nil", err)
				}
			})
		}
		wg.Wait()
		p.end()
		must(t, g.Remove())
	}
}

func TestKillTree(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(small))
	p := shell(t, "for i in 1 2 3 4 5; do (sleep 1000 & sleep 1000) & done; wait")
	must(t, g.Add(p.Process.Pid))
	p.release()
	waitPids(t, g, 11)
	begin := time.Now()
	if err := g.Kill(); err != nil {
		t.Errorf("Kill() = %v; want nil", err)
	}
	t.Logf("Kill took %v", time.Since(begin))
	p.end()
	waitPids(t, g, 0)
	if err := g.Add(os.Getppid()); !errors.Is(err, ErrEnded) {
		t.Errorf("Add after Kill = %v; want ErrEnded", err)
	}
	for range 2 {
		if err := errors.Join(g.Remove(), g.Kill()); err != nil {
			t.Errorf("Remove and Kill = %v; want nil", err)
		}
	}
	if _, err := g.Usage(); !errors.Is(err, ErrEnded) {
		t.Errorf("Usage after Remove = %v; want ErrEnded", err)
	}
}

// TestKillForking kills a group that forks all the time.
func TestKillForking(t *testing.T) {
	for _, byHand := range []bool{false, true} {
		g := newGroup(t, open(t), "g")
		must(t, g.Set(Limits{Memory: 96 << 20, Pids: 40, CPUs: 1}))
		p := shell(t, "exec 2>/dev/null; while :; do (while :; do (:) & wait; done) & done")
		must(t, g.Add(p.Process.Pid))
		p.release()
		waitPids(t, g, 8)
		begin := time.Now()
		if byHand { // as on v1 and before Linux 5.14
			g.gate.Lock()
			g.ended = true
			g.gate.Unlock()
			f, err := g.freezer()
			must(t, err)
			must(t, killListed(f, time.Now().Add(killLimit)))
		} else {
			must(t, g.Kill())
		}
		t.Logf("Kill by hand=%v took %v", byHand, time.Since(begin))
		p.end()
		waitPids(t, g, 0)
		must(t, g.Remove())
	}
}

// waitPids waits until a group holds at least n processes, or none for 0.
func waitPids(t *testing.T, g *Group, n int) {
	t.Helper()
	var list []int
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		list, _ = processes(g.killDirs()[0])
		if n == 0 && len(list) == 0 || n > 0 && len(list) >= n {
			return
		}
	}
	t.Fatalf("processes in the group = %v; want %d", list, n)
}

// TestSignalOnlyMembers: an id that left the group since it was listed, as one
// that the kernel gave to somebody else did, is not signalled.
func TestSignalOnlyMembers(t *testing.T) {
	g := newGroup(t, open(t), "g")
	stranger := start(t, "sleep", nil)
	must(t, signalListed(g.killDirs()[0], []int{stranger.Process.Pid}))
	time.Sleep(10 * time.Millisecond)
	if err := unix.Kill(stranger.Process.Pid, 0); err != nil || !running(strconv.Itoa(stranger.Process.Pid)) {
		t.Errorf("a process outside the group was killed")
	}
}
