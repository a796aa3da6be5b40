package cgroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// freezeLimit bounds Freeze when its context does not.
const freezeLimit = 5 * time.Second

// ErrEnded is the answer to what a group cannot do any more after Kill or
// Remove.
var ErrEnded = errors.New("the control group was ended")

// Freeze stops every thread of the group and returns when none runs user code
// any more. If that does not come about in time it thaws what froze.
//
// A thread that waits inside the kernel without being interruptible counts as
// stopped, though the kernel does not call the group frozen then: it freezes
// before it returns to user code. The thread whose routed operation is being
// decided is one (seccomp's WAIT_KILLABLE_RECV), so the kernel's own word
// would never come while it matters.
func (g *Group) Freeze(ctx context.Context) error {
	f, err := g.freezer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	if err := g.settle(ctx, f); err != nil {
		return fmt.Errorf("freeze control group %s: %w", g.name, errors.Join(err, g.thaw(f)))
	}
	return nil
}

// settle asks for the freeze and waits for it.
func (g *Group) settle(ctx context.Context, f freezer) error {
	var last stillness
	for wait := 25 * time.Microsecond; ; wait = min(2*wait, stillFor) {
		if frozen, err := g.freezeOnce(f); err != nil || frozen {
			return err
		}
		if wait == stillFor {
			now := g.look(f)
			if now.still && now.same(last) {
				return nil
			}
			last = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// freezeOnce asks again each time: v1's freezer does not come back by itself
// to a thread it could not stop. The gate orders it with Kill, which thaws.
func (g *Group) freezeOnce(f freezer) (bool, error) {
	g.gate.Lock()
	defer g.gate.Unlock()
	if g.ended {
		return false, ErrEnded
	}
	g.frozen = true
	if err := f.set(true); err != nil {
		return false, err
	}
	return f.frozen()
}

// Thaw lets the group go on.
func (g *Group) Thaw() error {
	f, err := g.freezer()
	if err != nil {
		return err
	}
	if err := g.thaw(f); err != nil {
		return fmt.Errorf("thaw control group %s: %w", g.name, err)
	}
	return nil
}

func (g *Group) thaw(f freezer) error {
	g.gate.Lock()
	defer g.gate.Unlock()
	err := f.set(false)
	g.frozen = err != nil
	return err
}

// stillFor is how long nothing may have moved for a group to count as stopped
// without the kernel's saying so.
const stillFor = time.Millisecond

// stillness is one look at the threads of a group that is being frozen.
type stillness struct {
	still   bool // no thread was running or ready to run
	threads []byte
	cpu     time.Duration
}

func (s stillness) same(t stillness) bool {
	return t.still && s.cpu == t.cpu && bytes.Equal(s.threads, t.threads)
}

func (g *Group) look(f freezer) stillness {
	threads, err := f.threads()
	cpu, cpuErr := g.cpuTotal()
	if err != nil || cpuErr != nil {
		return stillness{}
	}
	for _, tid := range pids(threads) {
		if !sleeps(tid) {
			return stillness{}
		}
	}
	return stillness{still: true, threads: threads, cpu: cpu}
}

// sleeps reports whether a thread waits in the kernel, for whatever reason. One
// that could be woken was, by the freeze, and shows as running until it froze.
func sleeps(tid int) bool {
	stat, err := readFile("/proc/" + strconv.Itoa(tid) + "/stat")
	if err != nil {
		return false
	}
	return Sleeps(ThreadState(stat))
}

// ThreadState reads a thread's state from /proc/PID/task/TID/stat, where it
// follows the name, which may hold anything, in parentheses. It is '?' of what
// is no such text.
func ThreadState(stat []byte) byte {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 || len(stat) < end+3 {
		return '?'
	}
	return stat[end+2]
}

// Sleeps tells the states in which a thread waits in the kernel, is stopped or
// dead.
func Sleeps(state byte) bool { return bytes.IndexByte([]byte("SDTtZXI"), state) >= 0 }

// A freezer is what stops the threads of a directory's group.
type freezer struct {
	dir  string
	kind freezerKind
}

type freezerKind int

const (
	noFreezer freezerKind = iota
	freezerV1
	freezerV2
)

func freezerOf(dir string) freezer {
	switch {
	case exists(filepath.Join(dir, "cgroup.freeze")):
		return freezer{dir, freezerV2}
	case exists(filepath.Join(dir, "freezer.state")):
		return freezer{dir, freezerV1}
	}
	return freezer{dir, noFreezer}
}

// set asks for a freeze or ends it. A group that is gone needs neither.
func (f freezer) set(freeze bool) error {
	var err error
	switch {
	case f.kind == freezerV1 && freeze:
		err = writeFile(f.dir+"/freezer.state", "FROZEN")
	case f.kind == freezerV1:
		err = writeFile(f.dir+"/freezer.state", "THAWED")
	case f.kind == freezerV2 && freeze:
		err = writeFile(f.dir+"/cgroup.freeze", "1")
	case f.kind == freezerV2:
		err = writeFile(f.dir+"/cgroup.freeze", "0")
	}
	if !freeze && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)) {
		return nil
	}
	return err
}

// frozen is the kernel's word that every thread stopped.
func (f freezer) frozen() (bool, error) {
	if f.kind == freezerV1 {
		state, err := readFile(f.dir + "/freezer.state")
		return string(bytes.TrimSpace(state)) == "FROZEN", err
	}
	events, err := readFile(f.dir + "/cgroup.events")
	frozen, _ := keyed(events, "frozen")
	return frozen == 1, err
}

func (f freezer) threads() ([]byte, error) {
	if f.kind == freezerV1 {
		return readFile(f.dir + "/tasks")
	}
	return readFile(f.dir + "/cgroup.threads")
}
