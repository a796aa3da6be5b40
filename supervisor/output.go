package supervisor

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// logKept bounds what a report keeps of each stream.
const logKept = 64 << 10

// logs reads a sandbox's stdout and stderr: it passes them on, keeps the
// beginning of each for the report, and stops the model at the limit.
type logs struct {
	limit  int64
	over   func() // called once, when the limit is passed
	total  atomic.Int64
	ends   [2]*os.File
	moving atomic.Int32 // pumps that hold what they have read
	wg     sync.WaitGroup
	stdout stream
	stderr stream
}

// stream is one of the two; kept is read after wait.
type stream struct {
	to   io.Writer
	kept []byte
}

func (l *logs) follow(stdout, stderr *os.File) {
	l.ends = [2]*os.File{stdout, stderr}
	l.wg.Add(2)
	go l.pump(stdout, &l.stdout)
	go l.pump(stderr, &l.stderr)
}

// pump reads until the last writer is gone. Past the limit it goes on
// reading, so that nothing blocks, and throws away.
func (l *logs) pump(from *os.File, s *stream) {
	defer l.wg.Done()
	l.moving.Add(1)
	defer l.moving.Add(-1)
	buffer := make([]byte, 32<<10)
	for {
		l.moving.Add(-1)
		n, err := from.Read(buffer)
		l.moving.Add(1)
		before := l.total.Add(int64(n)) - int64(n)
		keep := buffer[:max(0, min(int64(n), l.limit-before))]
		if len(keep) > 0 {
			s.kept = append(s.kept, keep[:min(len(keep), logKept-len(s.kept))]...)
			if s.to != nil {
				s.to.Write(keep)
			}
		}
		if before <= l.limit && before+int64(n) > l.limit {
			l.over()
		}
		if err != nil {
			return
		}
	}
}

// drain waits until all that a sandbox has printed is passed on: of a frozen one
// a question that is put after it cannot be followed by a forged one, and of one
// that has returned, what it printed before counts against its limit.
func (l *logs) drain(limit time.Duration) bool {
	wait := 20 * time.Microsecond
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(wait) {
		wait = min(2*wait, time.Millisecond)
		if l.moving.Load() == 0 && empty(l.ends[0]) && empty(l.ends[1]) && l.moving.Load() == 0 {
			return true
		}
	}
	return false
}

func empty(pipe *os.File) bool {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return false
	}
	n := -1
	err = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return err == nil && n == 0
}

func (l *logs) wait() { l.wg.Wait() }
