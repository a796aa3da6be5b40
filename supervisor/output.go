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
	wg     sync.WaitGroup
	stdout stream
	stderr stream
}

// stream is one of the two; kept is read after wait.
type stream struct {
	to   io.Writer
	kept []byte
	busy sync.Mutex // held from before a read until what it gave is passed on
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
	raw, err := from.SyscallConn()
	if err != nil {
		return
	}
	buffer := make([]byte, 32<<10)
	for more := true; more && err == nil; {
		err = raw.Read(func(fd uintptr) bool {
			s.busy.Lock()
			defer s.busy.Unlock()
			n, err := readAgain(int(fd), buffer)
			if err == unix.EAGAIN {
				return false
			}
			more = n > 0
			l.pass(s, buffer[:max(0, n)])
			return true
		})
	}
}

func readAgain(fd int, into []byte) (int, error) {
	for {
		n, err := unix.Read(fd, into)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// pass counts what was read and hands on what is within the limit.
func (l *logs) pass(s *stream, read []byte) {
	n := int64(len(read))
	before := l.total.Add(n) - n
	keep := read[:max(0, min(n, l.limit-before))]
	if len(keep) > 0 {
		s.kept = append(s.kept, keep[:min(len(keep), logKept-len(s.kept))]...)
		if s.to != nil {
			s.to.Write(keep)
		}
	}
	if before <= l.limit && before+n > l.limit {
		l.over()
	}
}

// drain waits until all that a sandbox has printed is passed on: of a frozen one
// a question that is put after it cannot be followed by a forged one, and of one
// that has returned, what it printed before counts against its limit.
func (l *logs) drain(limit time.Duration) bool {
	wait := 20 * time.Microsecond
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(wait) {
		wait = min(2*wait, time.Millisecond)
		if l.stdout.drained(l.ends[0]) && l.stderr.drained(l.ends[1]) {
			return true
		}
	}
	return false
}

// drained tells that nothing is on its way. A pump that hands on to somebody
// slow is not waited for here.
func (s *stream) drained(pipe *os.File) bool {
	if !s.busy.TryLock() {
		return false
	}
	defer s.busy.Unlock()
	return empty(pipe)
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
