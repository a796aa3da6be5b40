package cgroup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAddRefuses(t *testing.T) {
	g := newGroup(t, open(t), "g")
	for _, pid := range []int{0, -1, os.Getpid(), 1 << 30} {
		if err := g.Add(pid); err == nil {
			t.Errorf("Add(%d) = nil; want an error", pid)
		}
	}
}

// members must be the processes of the group in every hierarchy.
func members(t *testing.T, g *Group, want ...int) {
	t.Helper()
	for _, h := range g.tree.hierarchies {
		if got, err := processes(g.dirIn(h)); err != nil || !slices.Equal(got, want) {
			t.Errorf("processes in %s = %v, %v; want %v", g.dirIn(h), got, err, want)
		}
	}
}

func TestAdd(t *testing.T) {
	g := newGroup(t, open(t), "g")
	p := start(t, "sleep", nil)
	must(t, g.Add(p.Process.Pid))
	members(t, g, p.Process.Pid)
}

func TestSpawn(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(small))
	before := ownGroups(t)
	cmd := exec.Command("/bin/sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.Spawn(cmd.SysProcAttr, cmd.Start); err != nil {
		t.Fatalf("Spawn() = %v; want nil", err)
	}
	members(t, g, cmd.Process.Pid)
	runtime.GC() // give threads a reason to go
	time.Sleep(20 * time.Millisecond)
	members(t, g, cmd.Process.Pid)
	if after := ownGroups(t); after != before {
		t.Errorf("groups of this process's threads = %s; want %s as before", after, before)
	}
	if err := g.Remove(); err != nil {
		t.Errorf("Remove() = %v; want nil", err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("process ended with %v; want SIGKILL", err)
	}
}

// ownGroups are the distinct groups of this process's threads.
func ownGroups(t *testing.T) string {
	t.Helper()
	tids, err := listDir("/proc/self/task")
	must(t, err)
	var all []string
	for _, tid := range tids {
		groups, err := os.ReadFile("/proc/self/task/" + tid + "/cgroup")
		if err == nil && !slices.Contains(all, string(groups)) {
			all = append(all, string(groups))
		}
	}
	return strings.Join(all, "\n")
}

func TestSpawnRefuses(t *testing.T) {
	g := newGroup(t, open(t), "g")
	attr := &syscall.SysProcAttr{}
	boom := errors.New("boom")
	before := ownGroups(t)
	if err := g.Spawn(attr, func() error { return boom }); !errors.Is(err, boom) {
		t.Errorf("Spawn = %v; want what start returned", err)
	}
	must(t, g.Freeze(tContext))
	if err := g.Spawn(attr, func() error { return nil }); !errors.Is(err, unix.EBUSY) {
		t.Errorf("Spawn in a frozen group = %v; want EBUSY", err)
	}
	must(t, g.Thaw())
	if err := g.Spawn(attr, func() error { return nil }); err != nil {
		t.Errorf("Spawn in a thawed group = %v; want nil", err)
	}
	must(t, g.Kill())
	if err := g.Spawn(attr, func() error { return nil }); !errors.Is(err, ErrEnded) {
		t.Errorf("Spawn after Kill = %v; want ErrEnded", err)
	}
	if after := ownGroups(t); after != before {
		t.Errorf("groups of this process's threads = %s; want %s as before", after, before)
	}
}

// TestSpawnMany starts from many goroutines at once, in groups of their own.
func TestSpawnMany(t *testing.T) {
	tree := open(t)
	errs := make(chan error)
	const n = 12
	for i := range n {
		g := newGroup(t, tree, fmt.Sprint("g", i))
		go func() {
			cmd := exec.Command("/bin/sleep", "1000")
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := g.Spawn(cmd.SysProcAttr, cmd.Start); err != nil {
				errs <- err
				return
			}
			u, err := g.Usage()
			if err == nil && u.Pids != 1 {
				err = fmt.Errorf("Usage().Pids = %d; want 1", u.Pids)
			}
			err = errors.Join(err, g.Remove())
			cmd.Wait()
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestEntrances lets a process with one thread and no rights go in by itself.
func TestEntrances(t *testing.T) {
	g := newGroup(t, open(t), "g")
	files, err := g.Entrances()
	must(t, err)
	var script strings.Builder
	for i := range files {
		fmt.Fprintf(&script, "echo 0 >&%d; exec %[1]d>&-; ", 3+i)
	}
	cmd := exec.Command("/bin/sh", "-c", script.String()+"echo in; read x")
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	for _, f := range files {
		f.Close()
	}
	if said, err := io.ReadAll(io.LimitReader(out, 3)); string(said) != "in\n" {
		t.Errorf("process said %q, %v; want that it is in", said, err)
	}
	members(t, g, cmd.Process.Pid)
	in.Close()
	cmd.Wait()
}

// TestBornInside starts a process in a group by clone3.
func TestBornInside(t *testing.T) {
	g := newGroup(t, open(t), "g")
	dir, err := g.File()
	must(t, err)
	if g.tree.layout.Kind != V2 {
		if dir != nil {
			t.Errorf("File() = %v on %s; want nil", dir.Name(), g.tree.layout.Kind)
		}
		return
	}
	p := start(t, "sleep", nil, func(cmd *exec.Cmd) {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	})
	members(t, g, p.Process.Pid)
	if again, err := g.File(); again != dir || err != nil {
		t.Errorf("second File() = %v, %v; want the same", again, err)
	}
	if err := g.Remove(); err != nil {
		t.Errorf("Remove() = %v; want nil", err)
	}
	p.end()
	if _, err := g.File(); !errors.Is(err, ErrEnded) {
		t.Errorf("File after Remove = %v; want ErrEnded", err)
	}
}
