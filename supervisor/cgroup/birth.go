package cgroup

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Moving a process (Add) makes the kernel stop all forks and exits on the host
// for a moment, for which it waits 10 ms and more unless somebody just did the
// same. The ways into a group in this file do not. They are faster by far, and
// leave no moment in which the process runs outside.

// Spawn calls start, which must start a process with these attributes on the
// thread that calls it, as exec.Cmd.Start and os.StartProcess do. The process
// is born in the group:
//
//	g.Spawn(cmd.SysProcAttr, cmd.Start)
//
// On v2 the kernel puts it there (CLONE_INTO_CGROUP). On v1 a thread of this
// process goes into the group, starts it, and comes back; the group's limit of
// processes must have room for both. Where this process may not come back to
// its own group, nothing is started and the error is os.ErrPermission: there
// Add is the way.
func (g *Group) Spawn(attr *syscall.SysProcAttr, start func() error) error {
	g.gate.Lock()
	defer g.gate.Unlock()
	err := g.spawn(attr, start)
	if err != nil {
		return fmt.Errorf("start a process in control group %s: %w", g.name, err)
	}
	return nil
}

func (g *Group) spawn(attr *syscall.SysProcAttr, start func() error) error {
	if g.ended {
		return ErrEnded
	}
	if g.frozen { // a thread would not come back
		return fmt.Errorf("frozen: %w", unix.EBUSY)
	}
	var threaded []*hierarchy
	for _, h := range g.tree.hierarchies {
		if !h.v2 {
			threaded = append(threaded, h)
			continue
		}
		dir, err := g.directory(h)
		if err != nil {
			return err
		}
		attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	}
	if threaded == nil {
		return start()
	}
	return g.lendThread(threaded, start)
}

// lendThread starts a process from a thread that is in the group meanwhile. If
// the thread could not come back, it ends, and with it a child that watches
// its parent (Pdeathsig).
func (g *Group) lendThread(hs []*hierarchy, start func() error) error {
	for _, h := range hs { // who may not come back must not go
		if h.home == "" || unix.Access(entrance(h.home, h), unix.W_OK) != nil {
			return fmt.Errorf("the way back to this process's own group: %w", os.ErrPermission)
		}
	}
	var err error
	onWorker(func() (keep bool) {
		for _, h := range hs {
			err = errors.Join(err, writeFile(entrance(g.dirIn(h), h), "0"))
		}
		if err == nil {
			err = start()
		}
		var lost error
		for _, h := range hs {
			lost = errors.Join(lost, writeFile(entrance(h.home, h), "0"))
		}
		err = errors.Join(err, lost)
		return lost == nil
	})
	return err
}

// entrance is the file that takes in the thread that writes "0" to it. A v2
// hierarchy takes only whole processes.
func entrance(dir string, h *hierarchy) string {
	if h.v2 {
		return dir + "/cgroup.procs"
	}
	return dir + "/tasks"
}

// onWorker runs f on a thread of its own, which ends unless f says to keep it.
// It is never the process's first one: memory is charged to the group of that.
func onWorker(f func() (keep bool)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			onWorker(f) // this thread is taken, so another one is found
			runtime.UnlockOSThread()
			return
		}
		if f() {
			runtime.UnlockOSThread()
		}
	}()
	<-done
}

// Entrances opens the files by which a process with a single thread goes into
// the group itself: it writes "0" to each. What counts is the right of whoever
// opened them, so they can be handed to a process that has none; whoever holds
// them can bring in others too, so they must be closed before untrusted code
// runs. They belong to the caller. On v2, being cloned into File is faster.
func (g *Group) Entrances() ([]*os.File, error) {
	var files []*os.File
	for _, h := range g.tree.hierarchies {
		path := entrance(g.dirIn(h), h)
		fd, err := openat(path, unix.O_WRONLY)
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			return nil, fmt.Errorf("control group %s: %w", g.name, err)
		}
		files = append(files, os.NewFile(uintptr(fd), path))
	}
	return files, nil
}

// Add moves a process with all its threads into the group; what it forks from
// then on is born there. Memory it holds stays charged where it was touched.
// Spawn and Entrances are faster. After an error the process may be under some
// of the limits and not under others, so it has to be killed.
func (g *Group) Add(pid int) error {
	if pid <= 0 || pid == os.Getpid() { // 0 would be this process too
		return fmt.Errorf("control group %s: process %d: %w", g.name, pid, os.ErrInvalid)
	}
	g.gate.Lock()
	defer g.gate.Unlock()
	if g.ended {
		return fmt.Errorf("control group %s: %w", g.name, ErrEnded)
	}
	for _, h := range g.tree.hierarchies {
		if err := writeFile(g.dirIn(h)+"/cgroup.procs", strconv.Itoa(pid)); err != nil {
			g.split = true
			return fmt.Errorf("add process %d: %w", pid, err)
		}
	}
	return nil
}
