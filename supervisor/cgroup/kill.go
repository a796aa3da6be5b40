package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// killLimit bounds a kill.
const killLimit = 2 * time.Second

// Kill sends SIGKILL to every process of the group, those being forked at the
// moment included, and thaws what was frozen. It does not wait for them to
// die. It is final: nothing can be added or frozen afterwards. On a group that
// is gone it does nothing.
//
// A process that was being cloned into the group (File) without the caller's
// waiting for it is the caller's to kill.
func (g *Group) Kill() error {
	g.gate.Lock()
	g.ended, g.frozen = true, false
	g.gate.Unlock()
	deadline := time.Now().Add(killLimit)
	var errs []error
	for _, dir := range g.killDirs() {
		errs = append(errs, killDir(dir, deadline))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("kill control group %s: %w", g.name, err)
	}
	return nil
}

// killDirs are the directories it takes to reach every process of the group:
// one, as all hierarchies have the same unless an Add failed halfway. On v1 it
// is the freezer's.
func (g *Group) killDirs() []string {
	g.gate.Lock()
	defer g.gate.Unlock()
	var dirs []string
	for _, h := range g.tree.hierarchies {
		dirs = append(dirs, g.dirIn(h))
	}
	if g.split {
		return dirs
	}
	return dirs[:1]
}

// killDir kills what lives in one directory, by the kernel's own means where
// it has them.
func killDir(dir string, deadline time.Time) error {
	err := writeFile(filepath.Join(dir, "cgroup.kill"), "1")
	if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) {
		return err
	}
	if !exists(dir) {
		return nil
	}
	return killListed(freezerOf(dir), deadline)
}

// killListed signals until a listing has nobody new: whoever was signalled
// cannot fork any more. Those that fork faster than they are listed are frozen.
// It ends with a thaw, since on v1 what is frozen does not die.
func killListed(f freezer, deadline time.Time) error {
	err := signalAll(f, deadline)
	return errors.Join(err, f.set(false))
}

func signalAll(f freezer, deadline time.Time) error {
	var known []int
	for round := 0; ; round++ {
		list, err := processes(f.dir)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(pid int) bool { return !slices.Contains(known, pid) }) {
			return nil
		}
		if err := signalListed(f.dir, list); err != nil {
			return err
		}
		known = list
		if round < 2 {
			continue
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: still forking: %w", f.dir, os.ErrDeadlineExceeded)
		}
		f.set(true) // without waiting: who forks meanwhile is in the next listing
		time.Sleep(min(time.Duration(round)*100*time.Microsecond, 5*time.Millisecond))
	}
}

// signalListed kills those of list that are still in the group once a
// descriptor stands for them: between reading an id and signalling it, the
// process may have ended and the id have become somebody else's.
func signalListed(dir string, list []int) error {
	fds := make(map[int]int, len(list))
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	var errs []error
	for _, pid := range list {
		if pid <= 0 {
			errs = append(errs, fmt.Errorf("%s: a process outside this PID namespace: %w", dir, unix.ESRCH))
		} else if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			fds[pid] = fd
		} else if err != unix.ESRCH {
			errs = append(errs, fmt.Errorf("pidfd_open %d: %w", pid, err))
		}
	}
	still, err := processes(dir)
	if err != nil {
		return err
	}
	for _, pid := range still {
		if fd, ok := fds[pid]; ok && pid != os.Getpid() {
			if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
				errs = append(errs, fmt.Errorf("kill %d: %w", pid, err))
			}
		}
	}
	return errors.Join(errs...)
}

// processes lists a group; one that is gone has none.
func processes(dir string) ([]int, error) {
	data, err := readFile(filepath.Join(dir, "cgroup.procs"))
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return nil, nil
	}
	return pids(data), err
}
