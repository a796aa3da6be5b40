package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is one run of a probe's script.
type process struct {
	path string
	argv []string
	env  []string
	dir  string
}

// maxErrors bounds what is kept of a probe's stderr.
const maxErrors = 16 << 10

// grace is how long the pipes of a process that has ended may stay open in
// others before they are given up.
const grace = 500 * time.Millisecond

// errTimeout may be the machine's fault and is never kept in a cache.
var errTimeout = errors.New("no answer in time")

// run gives the process's bounded output, also beside an error. What it leaves
// running in its group is killed with it when it does not end as it should.
func (p process) run(ctx context.Context, timeout time.Duration) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inner, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stdout, stderr := &bounded{limit: maxAnswer, full: cancel}, &bounded{limit: maxErrors}
	cmd := exec.CommandContext(inner, p.path)
	cmd.Args, cmd.Env, cmd.Dir = p.argv, p.env, p.dir
	cmd.Stdout, cmd.Stderr = stdout, stderr
	// A group of its own, so that a shell script's children can be killed too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	if err := cmd.Start(); err != nil {
		return nil, startFailure(err)
	}
	err := cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		cmd.Cancel() // the group lives on: it holds the pipes
	}
	switch {
	case ctx.Err() != nil:
		return stdout.data, ctx.Err()
	case stdout.over:
		return nil, fmt.Errorf("its answer has no end (more than %d KiB)", maxAnswer>>10)
	case inner.Err() != nil:
		return stdout.data, fmt.Errorf("%w (%v)", errTimeout, timeout)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return stdout.data, exitFailure(err, string(stderr.data))
	}
	return stdout.data, nil
}

// startFailure explains an execve that the kernel refused.
func startFailure(err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return errors.New("not a program that this machine can run")
	case errors.Is(err, syscall.EACCES):
		return errors.New("not executable by this user")
	case errors.Is(err, syscall.ENOENT):
		return errors.New("the program that its first line or its ELF header names does not exist")
	}
	return fmt.Errorf("start: %w", err)
}

// exitFailure is the exit status with the line of stderr that says most.
func exitFailure(err error, stderr string) error {
	if said := telling(stderr); said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// telling is the first line, or the last one of a Python traceback.
func telling(stderr string) string {
	first := oneLine(stderr)
	if !strings.HasPrefix(first, "Traceback") {
		return first
	}
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	return oneLine(lines[len(lines)-1])
}

// bounded keeps the first limit bytes and calls full, if set, when more come.
// It embeds no buffer: io.Copy would use its ReadFrom, which knows no limit.
type bounded struct {
	data  []byte
	limit int
	full  func()
	over  bool
}

// Write never fails without full: a program that cannot write its errors
// would die of that instead of showing them.
func (b *bounded) Write(data []byte) (int, error) {
	kept := data[:min(len(data), b.limit-len(b.data))]
	b.data = append(b.data, kept...)
	if len(kept) == len(data) {
		return len(data), nil
	}
	b.over = true
	if b.full == nil {
		return len(data), nil
	}
	b.full()
	return len(kept), io.ErrShortWrite
}
