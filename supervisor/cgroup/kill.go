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

// killLimit bounds a kill. Without cgroup.kill, groups whose processes fork
// faster than they are listed end frozen first, so one round or two do.
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
	g.ended = true
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

// killDirs are the directories it takes to reach every process of the group.
// All hierarchies have the same processes unless an Add failed halfway.
func (g *Group) killDirs() []string {
	var dirs []string
	for _, h := range g.tree.hierarchies {
		dirs = append(dirs, g.dirIn(h))
	}
	return dirs
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
	// What is frozen cannot fork away from under the listing. There is no need
	// to wait for it: a process that has not got its SIGKILL and is not frozen
	// yet may fork, and the next round finds the child.
	freezer := freezerOf(dir)
	freezer.set(true)
	err = killListed(dir, deadline)
	return errors.Join(err, freezer.set(false)) // frozen, v1's would not die
}

// killListed signals until a listing has nobody new. Whoever was signalled
// cannot fork any more.
func killListed(dir string, deadline time.Time) error {
	var known []int
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, 5*time.Millisecond) {
		list, err := processes(dir)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(pid int) bool { return !slices.Contains(known, pid) }) {
			return nil
		}
		if err := signalListed(dir, list); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: still forking: %w", dir, os.ErrDeadlineExceeded)
		}
		known = list
		time.Sleep(wait)
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
