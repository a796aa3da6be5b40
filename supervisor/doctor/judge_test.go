package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"hotcell/supervisor"
	"hotcell/supervisor/cgroup"
	"hotcell/supervisor/host"
	"hotcell/vm"
)

// healthy is the evidence of root on a machine that has everything.
func healthy() *evidence {
	e := &evidence{
		host:    host.Host{Files: fstest.MapFS{}, Env: func(string) string { return "" }, Executable: "/usr/bin/hotcell"},
		release: "6.18.1", machine: "x86_64", files: 20000, processes: math.MaxUint64,
		identity:    supervisor.ChildIdentity{UID: 0x70000001},
		groups:      groups{layout: cgroup.Layout{Kind: cgroup.V2, Parent: "/x", Controllers: []string{"memory", "pids", "cpu"}, SwapBounded: true}, exact: true},
		interpreter: vm.Interpreter{Asked: "/usr/bin/python3", Implementation: "cpython", Version: "3.12.1", Executable: "/usr/bin/python3.12", Numpy: "2.0", Reason: "first"},
		run:         run{outcome: &supervisor.Outcome{Cause: &supervisor.Cause{Verdict: supervisor.OK}}},
	}
	e.calls.started, e.notify.started, e.trial.steps.started = true, true, true
	for _, c := range neededCalls {
		a := answer{Call: c.name}
		switch c.name {
		case callWaitKillable:
			a.Errno = unix.EFAULT
		case callMseal:
			a.Errno = unix.EINVAL
		case callLandlock:
			a.Value = 7
		}
		e.calls.list = append(e.calls.list, a)
	}
	for _, step := range []string{stepListener, stepSync, stepReceive, stepAddFD, stepAddSend, stepRespond, stepReturn} {
		e.notify.list = append(e.notify.list, answer{Call: step})
	}
	for _, step := range trialSteps {
		e.trial.steps.list = append(e.trial.steps.list, answer{Call: step.name})
	}
	e.trial.steps.list = append(e.trial.steps.list, answer{Call: stepReady, Value: 1})
	return e
}

// set changes the answer of a call.
func (a answers) set(call string, errno unix.Errno, value int64) {
	for i := range a.list {
		if a.list[i].Call == call {
			a.list[i] = answer{call, errno, value}
		}
	}
}

// endAt is the death of a probe at one of its calls.
func (a *answers) endAt(call string, err error) {
	for i, one := range a.list {
		if one.Call == call {
			a.list, a.end = a.list[:i], err
			return
		}
	}
}

// file puts a file on the machine.
func (e *evidence) file(name, text string) {
	e.host.Files.(fstest.MapFS)[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
}

func TestHealthy(t *testing.T) {
	report := judge(healthy())
	checkForm(t, report)
	if report.Overall != OK {
		t.Errorf("overall %s; want ok\n%+v", report.Overall, report)
	}
}

// defects are hosts with one thing wrong, and what is to be said of it.
var defects = []struct {
	name   string
	spoil  func(*evidence)
	id     string
	status Status
	found  string // a part
	mend   string // a part, or the ids to be mended first
}{
	{"old kernel", func(e *evidence) { e.release = "5.10.0-8" }, "kernel", Missing, "older than 5.14", "boot Linux 5.14"},
	{"no wait-killable", func(e *evidence) { e.calls.set(callWaitKillable, unix.EINVAL, 0) }, "wait-killable", Weaker, "5.19", "boot Linux 5.19"},
	{"no sync wake-up", func(e *evidence) { e.notify.set(stepSync, unix.EINVAL, 0) }, "sync-wakeup", OK, "6.6", ""},
	{"no mseal", func(e *evidence) { e.release = "6.1.0"; e.calls.set(callMseal, unix.ENOSYS, 0) }, "mseal", OK, "6.10", ""},
	{"old kernel is no filter", func(e *evidence) { e.release = "6.1.0"; e.calls.set(callMseal, unix.ENOSYS, 0) }, "outer-filter", OK, "none", ""},
	{"a container", func(e *evidence) { e.file("/.dockerenv", "") }, "container", OK, "docker (/.dockerenv)", ""},
	{"systemd", func(e *evidence) { e.file("/run/systemd/system/x", ""); e.host.UID = 5 }, "systemd", OK, "user 5 has no systemd", ""},
	{"another's /proc", func(e *evidence) { e.self = errors.New("it is another's") }, "proc", Missing, "it is another's", "mount -t proc"},
	{"hidden /proc", func(e *evidence) { e.trial.proof = os.ErrNotExist }, "proc", Missing, "hides sandboxes", "hidepid=0"},
	{"no id", func(e *evidence) { e.identityErr = errors.New("no id but root's; advice") }, "identity", Missing, "no id but root's", "--map-auto"},
	{"no id, run", func(e *evidence) { e.identityErr = errors.New("no id but root's") }, "whole-run", Missing, "not tried", "identity"},
	{"clone refused", func(e *evidence) { e.trial = trial{start: &os.PathError{Err: unix.ENOSPC}} }, "user-namespaces", Missing, "no namespace more", "max_user_namespaces"},
	{"clone refused, inspection", func(e *evidence) { e.trial = trial{start: &os.PathError{Err: unix.EPERM}} }, "inspection", Missing, "not tried", "user-namespaces"},
	{"no rights within", func(e *evidence) {
		e.file("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1")
		e.trial.steps.set(stepEmptyRoot, unix.EACCES, 0)
	}, "user-namespaces", Missing, "AppArmor takes all rights", "apparmor_parser"},
	{"hanging namespaces", func(e *evidence) { e.trial.steps.endAt("root", errors.New("no end")) }, "user-namespaces", Missing, "no end", "dmesg"},
	{"no notification", func(e *evidence) { e.notify.set(stepListener, unix.EINVAL, 0) }, "seccomp", Missing, "no seccomp filter with notification", "CONFIG_SECCOMP_FILTER"},
	{"another listener", func(e *evidence) { e.notify.set(stepListener, unix.EBUSY, 0) }, "seccomp", Missing, "another program", "outside"},
	{"no ADDFD_SEND", func(e *evidence) { e.notify.set(stepAddSend, unix.EINVAL, 0) }, "seccomp", Missing, `"addfd-send"`, "5.14"},
	{"no kill", func(e *evidence) { e.calls.set(callKill, unix.EOPNOTSUPP, 0) }, "seccomp", Missing, "cannot end a process", "5.14"},
	{"outer filter", func(e *evidence) { e.file("/proc/self/status", "Seccomp:\t2\n") }, "outer-filter", Weaker, "what models need passes", "outside"},
	{"outer filter refuses", func(e *evidence) {
		e.file("/proc/self/status", "Seccomp:\t2\n")
		e.calls.set("unshare", unix.EPERM, 0)
		e.calls.set("clone3", unix.ENOSYS, 0)
	}, "outer-filter", Missing, "refuses clone3, unshare", "outside"},
	{"outer filter refuses Landlock", func(e *evidence) {
		e.file("/proc/self/status", "Seccomp:\t2\n")
		e.calls.set(callLandlock, unix.EPERM, 0)
	}, "landlock", Weaker, "landlock_create_ruleset", "outer-filter"},
	{"outer filter kills", func(e *evidence) { e.calls.endAt("mount", errors.New("signal")) }, "outer-filter", Missing, "mount (and ends the process)", "dmesg"},
	{"outer filter kills, run", func(e *evidence) { e.calls.endAt("mount", errors.New("signal")) }, "whole-run", Missing, "not tried", "outer-filter"},
	{"refused without a filter", func(e *evidence) { e.calls.set("mount", unix.EACCES, 0) }, "outer-filter", Missing, "no filter is around", "audit"},
	{"no probe", func(e *evidence) { e.self, e.calls = os.ErrNotExist, answers{end: os.ErrNotExist} }, "outer-filter", Missing, "not tried", "proc"},
	{"Yama", func(e *evidence) {
		e.file("/proc/sys/kernel/yama/ptrace_scope", "3")
		e.trial.taken = fmt.Errorf("pidfd_getfd: %w", unix.EPERM)
	}, "inspection", Missing, "ptrace_scope is 3", "reboot"},
	{"other memory", func(e *evidence) { e.trial.memory = errors.New("other bytes") }, "inspection", Missing, "other bytes", "dmesg"},
	{"no Landlock", func(e *evidence) { e.calls.set(callLandlock, unix.EOPNOTSUPP, 0) }, "landlock", Weaker, "not switched on", "lsm=landlock"},
	{"old Landlock", func(e *evidence) { e.calls.set(callLandlock, 0, 2) }, "landlock", OK, "version 2: files; TCP, signals and abstract sockets are left", ""},
	{"no groups", func(e *evidence) {
		e.groups = groups{err: &cgroup.MissingError{What: "read-only", Mend: "remount", Err: unix.EROFS}}
	}, "cgroup", Missing, "read-only: read-only file system", "remount"},
	{"no delegation", func(e *evidence) {
		e.host.UID = 1000
		e.groups = groups{err: &cgroup.MissingError{What: "this user has no control group of his own", Mend: "systemd-run --user --scope -p Delegate=yes hotcell"}}
	}, "cgroup", Missing, "no control group of his own", "Delegate=yes"},
	{"Ubuntu's restriction", func(e *evidence) {
		e.host.UID = 1000
		e.file("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1")
		e.trial.steps.endAt("propagation", nil)
		e.trial.steps.list = append(e.trial.steps.list, answer{Call: "propagation", Errno: unix.EACCES})
	}, "user-namespaces", Missing, "from programs without a profile", "/etc/apparmor.d/"},
	{"unprivileged container", unprivilegedContainer, "outer-filter", Missing, "refuses clone3, unshare, mount", "docker run --security-opt seccomp=unconfined"},
	{"unprivileged container, namespaces", unprivilegedContainer, "user-namespaces", Missing, "a seccomp filter", "outer-filter"},
	{"unprivileged container, groups", unprivilegedContainer, "cgroup", Missing, "read-only", "docker run"},
	{"unprivileged container, run", unprivilegedContainer, "whole-run", Missing, "not tried", "cgroup"},
	{"no groups, swap", func(e *evidence) { e.groups = groups{err: unix.EIO} }, "swap", Missing, "not tried", "cgroup"},
	{"old groups", func(e *evidence) { e.groups.layout.Kind = cgroup.Hybrid }, "cgroup", OK, "old layout", ""},
	{"swap", func(e *evidence) { e.groups.layout.SwapBounded = false; e.file("/proc/swaps", "Filename\n/dev/sdb\n") }, "swap", Weaker, "does not count swap", "swapoff"},
	{"no swap", func(e *evidence) { e.groups.layout.SwapBounded = false; e.file("/proc/swaps", "Filename\n") }, "swap", OK, "there is none", ""},
	{"old peak", func(e *evidence) { e.groups.exact, e.release = false, "6.1.0" }, "memory-peak", OK, "6.12", ""},
	{"no peak", func(e *evidence) { e.groups.exact, e.release = false, "5.15.0" }, "memory-peak", OK, "5.19", ""},
	{"no interpreter", func(e *evidence) { e.interpreterErr = fmt.Errorf("find: %w", vm.ErrNotFound) }, "interpreter", Missing, "none found", "install python3 python3-numpy"},
	{"no interpreter, run", func(e *evidence) { e.interpreterErr = vm.ErrNotFound }, "whole-run", Missing, "not tried", "interpreter"},
	{"slow interpreter", func(e *evidence) { e.interpreterErr = context.DeadlineExceeded }, "interpreter", Missing, "within 5s", "again"},
	{"a script in front", func(e *evidence) { e.interpreter.Asked = "/root/.pyenv/shims/python3" }, "interpreter", OK, "behind /root/.pyenv/shims/python3", ""},
	{"no numpy", func(e *evidence) { e.interpreter.Numpy = "" }, "numpy", Weaker, "none for /usr/bin/python3.12", "install python3-numpy"},
	{"broken numpy", func(e *evidence) { e.interpreter.Numpy, e.interpreter.NumpyError = "", "no BLAS" }, "numpy", Weaker, "no BLAS", "numpy"},
	{"unreadable", func(e *evidence) { e.unreadable = []string{"/opt/a", "/opt/b"} }, "interpreter-files", Weaker, "/opt/a, /opt/b", "chmod -R o+rX /opt/a /opt/b"},
	{"few files", func(e *evidence) { e.files = 64 }, "descriptors", Weaker, "64", "prlimit"},
	{"few processes", func(e *evidence) { e.host.UID, e.processes = 5, 9 }, "processes", Weaker, "this user may have 9", "--nproc"},
	{"few ids", func(e *evidence) { e.file("/proc/sys/kernel/pid_max", "400"); e.file("/proc/loadavg", "0 0 0 1/390 5") }, "processes", Weaker, "390 of 400", "pid_max"},
	{"few namespaces", func(e *evidence) { e.file("/proc/sys/user/max_net_namespaces", "8") }, "namespace-limits", Weaker, "4 models", "user.max_net_namespaces"},
	{"one namespace", func(e *evidence) { e.file("/proc/sys/user/max_net_namespaces", "1") }, "namespace-limits", Missing, "0 models", "user.max_net_namespaces"},
	{"model fails", func(e *evidence) {
		e.run.outcome.Cause = &supervisor.Cause{Verdict: supervisor.InternalError, Reason: "odd"}
	}, "whole-run", Missing, "odd", "dmesg"},
	{"model hangs", func(e *evidence) { e.run.outcome.Cause = &supervisor.Cause{Verdict: supervisor.Cancelled} }, "whole-run", Missing, "no end within", "again"},
	{"no supervisor", func(e *evidence) { e.run = run{err: errors.New("odd")} }, "whole-run", Missing, "odd", "dmesg"},
}

// unprivilegedContainer is what Docker starts when nobody asks for more.
func unprivilegedContainer(e *evidence) {
	e.file("/.dockerenv", "")
	e.file("/proc/self/status", "Seccomp:\t2\n")
	for _, call := range []string{"unshare", "mount"} {
		e.calls.set(call, unix.EPERM, 0)
	}
	e.calls.set("clone3", unix.ENOSYS, 0)
	e.trial = trial{start: &os.PathError{Err: unix.EPERM}}
	e.groups = groups{err: &cgroup.MissingError{What: "the control groups are read-only", Mend: "docker run --cgroupns=private --privileged", Err: unix.EROFS}}
}

func TestDefects(t *testing.T) {
	for _, test := range defects {
		e := healthy()
		test.spoil(e)
		report := judge(e)
		checkForm(t, report)
		for _, c := range report.Checks {
			if c.ID != test.id {
				continue
			}
			advice := c.Mend + strings.Join(c.After, " ")
			if c.Status != test.status || !strings.Contains(c.Found, test.found) || !strings.Contains(advice, test.mend) {
				t.Errorf("%s: %s is %s: %q, %q; want %s, %q, %q", test.name, c.ID, c.Status, c.Found, advice, test.status, test.found, test.mend)
			}
		}
		if test.status == OK && report.Overall != OK {
			t.Errorf("%s: overall %s; want ok", test.name, report.Overall)
		}
	}
}
