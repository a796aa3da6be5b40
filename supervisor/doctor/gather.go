package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/supervisor"
	"hotcell/supervisor/host"
	"hotcell/vm"
)

// evidence is what was seen of a host: all that checks judge.
type evidence struct {
	host    host.Host
	release string // of the kernel
	machine string
	self    error // what is wrong with /proc/self

	calls  answers
	notify answers

	identity    supervisor.ChildIdentity
	identityErr error
	trial       trial

	groups groups

	interpreter    vm.Interpreter
	interpreterErr error
	unreadable     []string // by everybody, of the interpreter's files

	files, processes uint64 // resource limits

	run run
}

// gather tries everything there is to try.
func gather(ctx context.Context, h host.Host) *evidence {
	e := &evidence{host: h}
	e.release, e.machine = kernel()
	e.self = checkSelf()
	e.calls = runProbe(ctx, probeCalls)
	e.notify = runProbe(ctx, probeNotify)
	e.identity, e.identityErr = supervisor.NewChildIdentity()
	if !e.deadly() {
		e.trial = tryTemplate(ctx, e.identity.Attributes)
	}
	e.files, e.processes = resourceLimit(unix.RLIMIT_NOFILE), resourceLimit(unix.RLIMIT_NPROC)
	e.groups = tryGroups()
	shim := e.findInterpreter(ctx)
	if e.interpreterErr == nil && !e.deadly() {
		e.run = tryModel(ctx, e.interpreter, shim)
	}
	return e
}

// deadly tells that the probe of calls was ended by one of them. Then no more
// is tried in this process: what it calls would end it too.
func (e *evidence) deadly() bool { return e.calls.started && e.calls.end != nil }

func runProbe(ctx context.Context, name string) answers {
	a, err := startProbe(ctx, name, &syscall.SysProcAttr{}, ignore)
	if err != nil {
		a.end = err
	}
	return a
}

// findInterpreter finds the one that runs of default flags get.
func (e *evidence) findInterpreter(ctx context.Context) (shim []byte) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cache, _ := vm.OpenCache()
	defer cache.Close()
	e.interpreter, e.interpreterErr = vm.Find(ctx, "", vm.Options{Cache: cache, Timeout: probeTime})
	if e.interpreterErr == nil {
		shim, e.interpreterErr = vm.Shim(ctx, e.interpreter, cache)
	}
	if e.interpreterErr == nil && e.foreign() {
		e.unreadable = unreadable(e.interpreter)
	}
	return shim
}

// foreign tells that models run under another id than this process's.
func (e *evidence) foreign() bool { return e.identityErr == nil && e.identity.UID != e.host.UID }

func kernel() (release, machine string) {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return "", ""
	}
	return unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Machine[:])
}

// atLeast compares the kernel's version.
func (e *evidence) atLeast(major, minor int) bool {
	var v [2]int
	fmt.Sscanf(e.release, "%d.%d", &v[0], &v[1])
	return v[0] > major || v[0] == major && v[1] >= minor
}

// checkSelf tells a /proc of another PID namespace, or none.
func checkSelf() error {
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return err
	}
	if self != strconv.Itoa(os.Getpid()) {
		return errors.New("it is another PID namespace's: there this process is " + self)
	}
	return nil
}

// resourceLimit is the hard one, up to which Go raises the number of
// descriptors by itself.
func resourceLimit(resource int) uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(resource, &limit) != nil {
		return unix.RLIM_INFINITY
	}
	return limit.Max
}
