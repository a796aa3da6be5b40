package cgroup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// helperVar makes the test binary a helper process: its value is the mode.
const helperVar = "HOTCELL_CGROUP_HELPER"

var helpers = map[string]func(args []string){
	"sleep": func([]string) { ready(); forever() },
	"alloc": allocHelper,
	"asks":  asksHelper,
	"spin":  spinHelper,
	"count": countHelper,
	"hold":  holdHelper,
	"probe": probeHelper,
}

func TestMain(m *testing.M) {
	if mode := os.Getenv(helperVar); mode != "" {
		helpers[mode](os.Args[1:])
		return
	}
	before := openFiles()
	code := m.Run()
	if after := openFiles(); code == 0 && after > before {
		fmt.Printf("open descriptors: %d after the tests; want %d\n", after, before)
		code = 1
	}
	os.Exit(code)
}

func openFiles() int {
	names, _ := listDir("/proc/self/fd")
	return len(names)
}

// proc is a helper process. It waits for release before it does its work.
type proc struct {
	*exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	done bool
}

// start runs the test binary in a helper mode; tune may set credentials.
func start(t testing.TB, mode string, args []string, tune ...func(*exec.Cmd)) *proc {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), helperVar+"="+mode)
	return startCmd(t, cmd, tune...)
}

// shell runs a script, which waits for release too.
func shell(t testing.TB, script string) *proc {
	t.Helper()
	return startCmd(t, exec.Command("/bin/sh", "-c", "echo ready; read x; "+script))
}

func startCmd(t testing.TB, cmd *exec.Cmd, tune ...func(*exec.Cmd)) *proc {
	t.Helper()
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	for _, f := range tune {
		f(cmd)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &proc{Cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		if p.done {
			return
		}
		p.Process.Kill()
		// One that a failed test left frozen dies when the tree is closed.
		waited := make(chan struct{})
		go func() { p.Wait(); close(waited) }()
		select {
		case <-waited:
		case <-time.After(time.Second):
		}
	})
	if cmd.Env == nil || !bytes.Contains([]byte(strings.Join(cmd.Env, "\n")), []byte(helperVar+"=probe")) {
		p.expect(t, "ready")
	}
	return p
}

func (p *proc) expect(t testing.TB, want string) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), want)
	if !ok {
		t.Fatalf("helper said %q, %v; want %q", line, err, want)
	}
	return strings.TrimSpace(rest)
}

func (p *proc) release() { io.WriteString(p.in, "go\n") }

// end waits for the process and returns how it died.
func (p *proc) end() syscall.WaitStatus {
	p.Wait()
	p.done = true
	return p.ProcessState.Sys().(syscall.WaitStatus)
}

// ready is the helper's side of start and release.
func ready() {
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// forever is not select {}, which the runtime takes for a deadlock.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

// allocHelper touches so many MiB and keeps them.
func allocHelper(args []string) {
	ready()
	mib, _ := strconv.Atoi(args[0])
	data, err := unix.Mmap(-1, 0, mib<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := 0; i < len(data); i += 4096 {
		data[i] = 1
	}
	fmt.Println("allocated")
	bufio.NewReader(os.Stdin).ReadString('\n')
	unix.Munmap(data)
	fmt.Println("freed")
	forever()
}

// spinHelper burns one processor for so many milliseconds of CPU time.
func spinHelper(args []string) {
	ready()
	ms, _ := strconv.Atoi(args[0])
	runtime.LockOSThread()
	start := processTime() // the runtime's threads take theirs
	for processTime()-start < time.Duration(ms)*time.Millisecond {
	}
	fmt.Println("done", processTime()-start)
	forever()
}

func processTime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

// countHelper counts in shared memory as long as it runs.
func countHelper(args []string) {
	f, err := os.OpenFile(args[0], os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	counter := mapCounter(f)
	ready()
	for {
		counter.Add(1)
	}
}

func mapCounter(f *os.File) *atomic.Uint64 {
	data, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return (*atomic.Uint64)(unsafe.Pointer(&data[0]))
}

// holdHelper is a supervisor: it opens a tree with one group and a process in
// it, says where, and closes it when released.
func holdHelper(args []string) {
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	tree, err := Open(Options{Parent: args[0]})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	g, err := tree.New("held")
	if err != nil {
		fmt.Println("error", err)
		return
	}
	child := exec.Command("/bin/sleep", "1000")
	child.Start()
	err = errors.Join(g.Add(child.Process.Pid), tree.Stale())
	fmt.Println("open", tree.name, child.Process.Pid, err)
	bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Println("closed", tree.Close())
}

// probeHelper opens a tree where it stands and says what came of it.
func probeHelper(args []string) {
	tree, err := Open(Options{Parent: strings.Join(args, "")})
	var missing *MissingError
	switch {
	case errors.As(err, &missing):
		fmt.Printf("missing: %s\nmend: %s\nsystem: %v\n", missing.What, missing.Mend, missing.Err)
		return
	case err != nil:
		fmt.Println("error:", err)
		return
	}
	defer tree.Close()
	l := tree.Layout()
	fmt.Println("layout:", l.Kind, strings.Join(l.Controllers, ","), l.Parent)
	if err := probe(tree); err != nil {
		fmt.Println("error:", err)
	}
	if err := errors.Join(tree.Stale(), tree.Close()); err != nil {
		fmt.Println("error:", err)
	}
}

// probe uses everything once.
func probe(tree *Tree) error {
	g, err := tree.New("probe")
	if err != nil {
		return err
	}
	child, other := exec.Command("/bin/sleep", "1000"), exec.Command("/bin/sleep", "1000")
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = errors.Join(g.Set(Limits{Memory: 32 << 20, Pids: 8, CPUs: 0.5}), g.Spawn(child.SysProcAttr, child.Start), other.Start())
	if err != nil {
		return err
	}
	defer other.Process.Kill()
	err = errors.Join(g.Add(other.Process.Pid), g.Reset(), g.Freeze(tContext), g.Thaw())
	if err != nil {
		return err
	}
	u, err := g.Usage()
	if err == nil && u.Pids != 2 {
		err = fmt.Errorf("Usage = %+v; want two processes", u)
	}
	err = errors.Join(err, g.Kill())
	child.Wait()
	other.Wait()
	return errors.Join(err, g.Remove())
}
