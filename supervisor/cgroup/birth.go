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
// processes must have room for both.
func (g *Group) Spawn(attr *syscall.SysProcAttr, start func() error) error {
	g.gate.Lock()
	defer g.gate.Unlock()
	switch {
	case g.ended:
		return fmt.Errorf("control group %s: %w", g.name, ErrEnded)
	case g.frozen: // the thread would not come back
		return fmt.Errorf("start a process in frozen control group %s: %w", g.name, unix.EBUSY)
	case g.tree.layout.Kind != V2:
		return g.spawnFromThread(start)
	}
	dir, err := g.File()
	if err != nil {
		return err
	}
	attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	return start()
}

// spawnFromThread lends a thread to the group. If the thread could not come
// back, it ends, and with it a child that watches its parent (Pdeathsig).
func (g *Group) spawnFromThread(start func() error) error {
	home, err := g.homes()
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	onWorker(func() (keep bool) {
		var errs []error
		for _, h := range g.tree.hierarchies {
			errs = append(errs, writeFile(entrance(g.dirIn(h), h), "0"))
		}
		err := errors.Join(errs...)
		if err == nil {
			err = start()
		}
		var back []error
		for i, h := range g.tree.hierarchies {
			back = append(back, writeFile(entrance(home[i], h), "0"))
		}
		result <- errors.Join(err, errors.Join(back...))
		return errors.Join(back...) == nil
	})
	return <-result
}

// homes are this process's own groups. Whoever may not go back must not go.
func (g *Group) homes() ([]string, error) {
	var dirs []string
	for _, h := range g.tree.hierarchies {
		if h.home == "" || unix.Access(entrance(h.home, h), unix.W_OK) != nil {
			return nil, fmt.Errorf("control group %s: the way back to this process's own group: %w", g.name, os.ErrPermission)
		}
		dirs = append(dirs, h.home)
	}
	return dirs, nil
}

// entrance is the file that takes in the thread that writes "0" to it. A v2
// hierarchy without controllers takes whole processes only.
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
