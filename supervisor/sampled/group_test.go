package sampled

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/fdcheck"
	"hotcell/supervisor/cgroup"
)

func TestMain(m *testing.M) { os.Exit(fdcheck.Run(m)) }

// worker is a process that does one line of Python after the other.
type worker struct {
	t   *testing.T
	cmd *exec.Cmd
	in  interface{ Write([]byte) (int, error) }
	out *bufio.Reader
}

const workerSource = `
import mmap, sys, threading, time
kept = []
def burn():
    while True: pass
for line in sys.stdin:
    exec(line)
    print("done", time.process_time(), flush=True)
`

// work starts a worker in a group that has nothing of the kernel's.
func work(t *testing.T, limits cgroup.Limits) (*worker, *Group) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "-I", "-c", workerSource)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	g, err := (&Tree{layout: cgroup.Layout{Missing: controllers}}).New("test")
	if err == nil {
		err = g.Set(limits)
	}
	if err == nil {
		err = g.Spawn(cmd.SysProcAttr, cmd.Start)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
		cmd.Wait() // Remove killed it
	})
	w := &worker{t, cmd, in, bufio.NewReader(out)}
	w.do("pass")
	if err := g.Add(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := g.Reset(); err != nil {
		t.Fatal(err)
	}
	return w, g
}

// do has it run a line, and gives its CPU time by its own clock.
func (w *worker) do(line string) time.Duration {
	w.t.Helper()
	w.begin(line)
	return w.end()
}

func (w *worker) begin(line string) { fmt.Fprintln(w.in, line) }

func (w *worker) end() time.Duration {
	w.t.Helper()
	answer, err := w.out.ReadString('\n')
	var seconds float64
	if _, scanErr := fmt.Sscanf(answer, "done %g", &seconds); err != nil || scanErr != nil {
		w.t.Fatalf("worker said %q, %v", answer, err)
	}
	return time.Duration(seconds * float64(time.Second))
}

func usage(t *testing.T, g *Group) cgroup.Usage {
	t.Helper()
	u, err := g.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

var some = cgroup.Limits{Memory: 1 << 30, Pids: 8, CPUs: 1}

func TestMemory(t *testing.T) {
	w, g := work(t, some)
	const size = 64 << 20
	near := func(what string, got, want int64) {
		t.Helper()
		if got < want*9/10 || got > want*11/10+(1<<20) {
			t.Errorf("%s: %d bytes; want about %d", what, got, want)
		}
	}
	w.do(fmt.Sprintf("kept.append(b'x' * %d)", size))
	u := usage(t, g)
	near("private", u.Memory, size)
	near("heap", u.Anon, size)
	w.do(fmt.Sprintf("kept.append(mmap.mmap(-1, %d)); kept[-1].write(b'x' * %[1]d)", size))
	u = usage(t, g)
	near("private and shared", u.Memory, 2*size)
	w.do("kept.clear()")
	u = usage(t, g)
	near("given back", u.Memory, 0)
	if u.MemoryPeak < 2*size || u.PeakExact {
		t.Errorf("peak %d, exact %v; want at least %d, not exact", u.MemoryPeak, u.PeakExact, 2*size)
	}
	g.Exempt(size)
	w.do(fmt.Sprintf("kept.append(mmap.mmap(-1, %d)); kept[-1].write(b'x' * %[1]d)", size+size/2))
	near("beyond what was granted", usage(t, g).Memory, size/2)
}

func TestCPU(t *testing.T) {
	w, g := work(t, some)
	before := w.do("pass")
	after := w.do("while time.process_time() < 0.3: pass")
	for what, got := range map[string]time.Duration{"Usage": usage(t, g).CPU, "CPUTime": must(g.CPUTime())(t)} {
		if want := after - before; got < want || got > want+want/10 {
			t.Errorf("%s: %v; by its own clock %v", what, got, want)
		}
	}
	// What is gone keeps the figures of the last look.
	w.cmd.Process.Kill()
	w.cmd.Wait()
	if got := must(g.CPUTime())(t); got < after-before {
		t.Errorf("after its death: %v; want %v", got, after-before)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestThreads(t *testing.T) {
	w, g := work(t, cgroup.Limits{Memory: 1 << 30, Pids: 3, CPUs: 1})
	w.do("wait = threading.Event(); threading.Thread(target=wait.wait, daemon=True).start()")
	if u := usage(t, g); u.Pids != 2 || u.PidsLimitHits != 0 {
		t.Errorf("%d threads, %d times at the limit; want 2, 0", u.Pids, u.PidsLimitHits)
	}
	w.do("threading.Thread(target=wait.wait, daemon=True).start()")
	if u := usage(t, g); u.Pids != 3 || u.PidsLimitHits == 0 {
		t.Errorf("%d threads, %d times at the limit; want 3, more than 0", u.Pids, u.PidsLimitHits)
	}
}

// What was given back between two looks is in the peak, and what others granted
// is not.
func TestPeak(t *testing.T) {
	w, g := work(t, some)
	const size = 64 << 20
	g.Exempt(size)
	w.do(fmt.Sprintf("kept.append(mmap.mmap(-1, %d)); kept[-1].write(bytes(%[1]d))", size))
	w.do(fmt.Sprintf("b'x' * %d", size/2))
	if u := usage(t, g); u.MemoryPeak < size/2*9/10 || u.MemoryPeak > size/2*11/10 || u.Memory > 1<<20 {
		t.Errorf("peak %d, now %d; want about %d, nothing", u.MemoryPeak, u.Memory, size/2)
	}
}

// A share of processors becomes whole ones, which the process cannot see past.
func TestProcessors(t *testing.T) {
	w, _ := work(t, cgroup.Limits{Memory: 1 << 30, Pids: 8, CPUs: 0.5})
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(w.cmd.Process.Pid, &set); err != nil || set.Count() != 1 {
		t.Errorf("%d processors, %v; want 1", set.Count(), err)
	}
}

func TestFreeze(t *testing.T) {
	w, g := work(t, some)
	w.do("kept.append(threading.Thread(target=burn, daemon=True)); kept[0].start()")
	if err := g.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := must(g.CPUTime())(t)
	w.begin("pass")
	time.Sleep(20 * time.Millisecond)
	if after := must(g.CPUTime())(t); after != before {
		t.Errorf("used %v while it was frozen", after-before)
	}
	if err := g.Thaw(); err != nil {
		t.Fatal(err)
	}
	w.end()
}

// A thread that waits in the kernel for what only a thaw brings counts as
// stopped; a process that is gone cannot be frozen, and can be thawed.
func TestFreezeEnds(t *testing.T) {
	w, g := work(t, some)
	w.cmd.Process.Kill()
	w.cmd.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := g.Freeze(ctx); err == nil {
		t.Error("a dead process was frozen")
	}
	if err := g.Thaw(); err != nil {
		t.Error(err)
	}
}

func TestParseStatus(t *testing.T) {
	const alive = "Name:\tRssAnon: 7 kB\nVmHWM:\t  40 kB\nThreads:\t3\nRssAnon:\t    12 kB\nRssFile:\t 5 kB\nRssShmem:\t 0 kB\n"
	for _, test := range []struct {
		what, status string
		want         look
		ok           bool
	}{
		{"alive", alive, look{anon: 12 << 10, file: 5 << 10, high: 40 << 10, threads: 3}, true},
		{"dead", "Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n", look{}, false},
		{"negative", strings.Replace(alive, "12", "-12", 1), look{}, false},
		{"huge", strings.Replace(alive, "12", "99999999999999999999", 1), look{}, false},
		{"empty", "", look{}, false},
	} {
		got, err := parseStatus(test.status)
		if (err == nil) != test.ok || got != test.want {
			t.Errorf("%s: %+v, %v; want %+v, ok %v", test.what, got, err, test.want, test.ok)
		}
	}
}

// Where the host gives everything, nothing is done here.
func TestTree(t *testing.T) {
	tree, err := Open(cgroup.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	l := tree.Layout()
	if (tree.inner == nil) != (len(l.Controllers) == 0) || len(l.Controllers)+len(l.Missing) < 3 {
		t.Errorf("layout %+v", l)
	}
	g, err := tree.New("model")
	if err != nil {
		t.Fatal(err)
	}
	if (g.inner == nil) != (tree.inner == nil) {
		t.Error("the group is not of the tree's kind")
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}
