package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// probeTime bounds everything that is tried.
const probeTime = 5 * time.Second

// The names of the probes.
const (
	probeCalls      = "calls"
	probeNotify     = "notify"
	probeNamespaces = "namespaces"
)

// ProbeArgs are the arguments that make this program a probe, without its
// name: main leads them to Probe.
func ProbeArgs(name string) []string { return []string{"doctor", "probe", name} }

// Probe is what a probe's process does. It ends when it has told all, or,
// where it is looked into, when stdin ends.
func Probe(name string, stdin io.Reader, stdout io.Writer) error {
	t := teller{stdout}
	switch name {
	case probeCalls:
		makeCalls(t)
	case probeNotify:
		tryNotification(t)
	case probeNamespaces:
		tryNamespaces(t)
		io.Copy(io.Discard, stdin)
	default:
		return fmt.Errorf("probe %q: no such probe", name)
	}
	return nil
}

// startProbe runs a probe to its end. Each answer is shown to see with the
// probe's process id while it lives; done ends one that waits. The error is
// of the start: the probe's own is in its answers.
func startProbe(ctx context.Context, name string, attributes *syscall.SysProcAttr, see func(pid int, a answer, done func())) (answers, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	// The kernel kills the probe when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	attributes.Pdeathsig = syscall.SIGKILL
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = append([]string{"hotcell"}, ProbeArgs(name)...)
	cmd.Env = []string{}
	cmd.SysProcAttr = attributes
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return answers{}, fmt.Errorf("make pipes to probe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return answers{}, fmt.Errorf("start probe: %w", err)
	}
	a, err := readAnswers(stdout, func(one answer) { see(cmd.Process.Pid, one, func() { stdin.Close() }) })
	stdin.Close()
	a.end = ending(ctx, errors.Join(err, cmd.Wait()), said.String())
	return a, nil
}

// ending words how a probe ended, nil for well.
func ending(ctx context.Context, err error, said string) error {
	switch line, _, _ := strings.Cut(strings.TrimSpace(said), "\n"); {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("no end within %v", probeTime)
	case line != "":
		return fmt.Errorf("%w: %s", err, line)
	}
	return err
}

func ignore(int, answer, func()) {}
