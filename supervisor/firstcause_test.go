package supervisor

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/supervisor/cgroup"
	"hotcell/syscallpolicy"
)

// figures is a group that has figures and nothing else.
type figures struct {
	group
	usage cgroup.Usage
}

func (f figures) Usage() (cgroup.Usage, error)    { return f.usage, nil }
func (f figures) CPUTime() (time.Duration, error) { return f.usage.CPU, nil }

// stoppedModel is a model whose process does nothing, with figures of our own.
func stoppedModel(t *testing.T, usage cgroup.Usage) *Model {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	t.Cleanup(func() {
		pidfd.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	m := newModel(testSupervisor(t), Spec{Policy: testPolicy(t)})
	m.group, m.sandbox = figures{usage: usage}, &sandbox{pidfd: pidfd, pid: cmd.Process.Pid}
	return m
}

func causeOf(verdict Verdict, source Source) *Cause {
	return &Cause{Verdict: verdict, Source: source, Reason: string(verdict) + " by the " + string(source)}
}

// Of several causes the first counts, and the kernel's kill came before
// whatever the supervisor or the model said after it.
func TestFirstCause(t *testing.T) {
	killed := cgroup.Usage{OOMKills: 1}
	for _, test := range []struct {
		what   string
		usage  cgroup.Usage
		causes []*Cause
		want   string
	}{
		{"time, then output", cgroup.Usage{}, []*Cause{causeOf(WallTimeLimit, FromSupervisor), causeOf(OutputLimit, FromSupervisor)}, "wall-time-limit by the supervisor"},
		{"output, then an exception", cgroup.Usage{}, []*Cause{causeOf(OutputLimit, FromSupervisor), causeOf(Exception, FromModel)}, "output-limit by the supervisor"},
		{"an exception, then output", cgroup.Usage{}, []*Cause{causeOf(Exception, FromModel), causeOf(OutputLimit, FromSupervisor)}, "exception by the model"},
		{"operations, then a crash", cgroup.Usage{}, []*Cause{causeOf(OperationLimit, FromSupervisor), causeOf(Crash, FromKernel)}, "operation-limit by the supervisor"},
		{"a kill rule, then a result", cgroup.Usage{}, []*Cause{causeOf(PolicyViolation, FromSupervisor), causeOf(OK, FromSupervisor)}, "policy-violation by the supervisor"},
		{"a result, then time", cgroup.Usage{}, []*Cause{causeOf(OK, FromSupervisor), causeOf(WallTimeLimit, FromSupervisor)}, "ok by the supervisor"},
		{"CPU time and wall time", cgroup.Usage{}, []*Cause{causeOf(CPUTimeLimit, FromKernel), causeOf(WallTimeLimit, FromSupervisor)}, "cpu-time-limit by the kernel"},
		{"killed for memory, then time", killed, []*Cause{causeOf(WallTimeLimit, FromSupervisor)}, "the kernel ended the model at its memory limit"},
		{"killed for memory, then output", killed, []*Cause{causeOf(OutputLimit, FromSupervisor)}, "the kernel ended the model at its memory limit"},
		{"killed for memory, then an exception", killed, []*Cause{causeOf(Exception, FromModel)}, "the kernel ended the model at its memory limit"},
		{"killed for memory, then cancelled", killed, []*Cause{causeOf(Cancelled, FromSupervisor)}, "the kernel ended the model at its memory limit"},
		{"killed for memory, what followed failed", killed, []*Cause{causeOf(InternalError, FromSupervisor)}, "the kernel ended the model at its memory limit"},
		{"a result, its process killed on the way", killed, []*Cause{causeOf(OK, FromSupervisor)}, "ok by the supervisor"},
	} {
		t.Run(test.what, func(t *testing.T) {
			m := stoppedModel(t, test.usage)
			for _, cause := range test.causes {
				m.end(cause)
			}
			if got := m.end(causeOf(Crash, FromKernel)); !strings.HasPrefix(got.Reason, test.want) {
				t.Errorf("cause %v: %s; want %s", got.Verdict, got.Reason, test.want)
			}
		})
	}
}

// A death that is still to be judged came before the end of time.
func TestDeathBeforeTime(t *testing.T) {
	m := stoppedModel(t, cgroup.Usage{})
	m.sandbox.kill()
	for !m.sandbox.gone() {
		time.Sleep(time.Millisecond)
	}
	late := make(chan struct{})
	go func() {
		defer close(late)
		m.outOfTime(time.Second)
	}()
	m.end(causeOf(Crash, FromKernel))
	<-late
	if m.cause.Verdict != Crash {
		t.Errorf("verdict %v; want crash", m.cause.Verdict)
	}
}

// Models that do two things at once end by what they did first, every time.
func TestFirstCauseOfModels(t *testing.T) {
	s := testSupervisor(t)
	limits := syscallpolicy.DefaultLimits()
	limits.MaxLog, limits.MaxOperations, limits.Timeout = 10_000, 50, 10*time.Second
	for _, test := range []struct {
		what, source string
		want         Verdict
		from         Source
		reason       string
	}{
		{"prints too much, then raises", `
def model():
    print("x" * 20_000)
    raise ValueError
`, OutputLimit, FromSupervisor, `more than 10000 bytes`},
		{"prints too much at import, then raises", `
print("x" * 20_000, flush=True)
raise ValueError
`, OutputLimit, FromSupervisor, `more than 10000 bytes`},
		{"prints too much, then returns", `
import os
def model():
    os.write(2, bytes(20_000))
    return 1
`, OutputLimit, FromSupervisor, `more than 10000 bytes`},
		{"prints too much, then exits", `
import os
def model():
    os.write(1, bytes(20_000))
    os._exit(0)
`, OutputLimit, FromSupervisor, `more than 10000 bytes`},
		{"prints all that it may, then raises", `
import os
def model():
    os.write(1, bytes(10_000))
    raise ValueError
`, Exception, FromModel, `ValueError`},
		{"tries too much, then exits", `
import os
def model():
    for i in range(51):
        try:
            os.stat("/x")
        except OSError:
            pass
    os._exit(0)
`, OperationLimit, FromSupervisor, `more than 50 operations`},
		{"tries what ends it, then returns", `
def model():
    try:
        open("/etc/shadow")
    except BaseException:
        pass
    return 1
`, PolicyViolation, FromSupervisor, `"/etc/shadow" is forbidden`},
		{"dies, then is late", `
import os
def model():
    os.kill(os.getpid(), 9)
    while True:
        pass
`, Crash, FromSupervisor, `signal 9`},
	} {
		t.Run(test.what, func(t *testing.T) {
			spec := testSpec(t, test.source)
			var err error
			if spec.Policy, err = spec.Policy.WithLimits(limits); err != nil {
				t.Fatal(err)
			}
			rule := syscallpolicy.Rule{Kinds: syscallpolicy.KindsOf(syscallpolicy.KindOpen), Target: "/etc/shadow", Effect: syscallpolicy.Kill, Origin: "test"}
			if spec.Policy, err = spec.Policy.WithRules(nil, rule); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				o := s.Run(t.Context(), spec, nil)
				o.Results.Close()
				if c := o.Cause; c.Verdict != test.want || c.Source != test.from || !regexp.MustCompile(test.reason).MatchString(c.Reason) {
					t.Errorf("%v from %v: %s; want %v from %v: %s", c.Verdict, c.Source, c.Reason, test.want, test.from, test.reason)
				}
			}
		})
	}
}
