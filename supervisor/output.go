package supervisor

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/quiet"
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
	to    io.Writer
	kept  []byte
	busy  sync.Mutex    // held from before a read until what it gave is passed on
	hurry chan struct{} // somebody waits for what was printed
}

// outputPipe is a pipe for a sandbox to print to. Its end to read from neither
// blocks nor lies in Go's poller, which would wake a thread at each line.
func outputPipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make output pipe: %w", err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "output"), os.NewFile(uintptr(fds[1]), "output")
	// Only now: package os puts what does not block into the poller.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		r.Close()
		w.Close()
		return nil, nil, fmt.Errorf("make output pipe: %w", err)
	}
	return r, w, nil
}

// follow begins to read. The pipes are outputPipe's.
func (l *logs) follow(stdout, stderr *os.File) {
	l.ends = [2]*os.File{stdout, stderr}
	l.wg.Add(2)
	for i, s := range []*stream{&l.stdout, &l.stderr} {
		s.hurry = make(chan struct{}, 1)
		go l.pump(l.ends[i], s)
	}
}

// A sandbox that prints line after line would have its pump read line after
// line, which costs the supervisor more than the sandbox. So after some reads
// without a rest the pump looks once in a while: the pipe fills, and who prints
// waits, at 64 MB a second.
const (
	readsInARow = 32
	readEvery   = time.Millisecond
)

// pump reads until the last writer is gone. Past the limit it goes on
// reading, so that nothing blocks, and throws away.
func (l *logs) pump(from *os.File, s *stream) {
	defer l.wg.Done()
	raw, err := from.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { err = l.readAll(int(fd), s) })
}

func (l *logs) readAll(fd int, s *stream) error {
	watch, err := quiet.New(fd)
	if err != nil {
		return err
	}
	defer watch.Stop()
	last := time.Now()
	for row := 0; ; row++ {
		n, err := l.readOnce(fd, s)
		switch {
		case err == unix.EAGAIN:
			if err := watch.Arm(); err != nil {
				return err
			}
			<-watch.Wake
			row--
			continue
		case err != nil || n == 0:
			return err
		}
		now := time.Now()
		if now.Sub(last) > readEvery {
			row = 0
		}
		last = now
		if row > readsInARow {
			s.rest()
		}
	}
}

// rest waits for more to come, unless somebody waits for it.
func (s *stream) rest() {
	select {
	case <-time.After(readEvery):
	case <-s.hurry:
	}
}

// logBuffers are as large as a pipe. A pump has one while it reads: hundreds of
// sandboxes are silent.
var logBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func (l *logs) readOnce(fd int, s *stream) (int, error) {
	buffer := logBuffers.Get().(*[64 << 10]byte)
	defer logBuffers.Put(buffer)
	s.busy.Lock()
	defer s.busy.Unlock()
	n, err := readAgain(fd, buffer[:])
	if n > 0 {
		l.pass(s, buffer[:n])
	}
	return n, err
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
		l.stdout.wake()
		l.stderr.wake()
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

// wait is for the end of a sandbox that is dead.
func (l *logs) wait() {
	l.stdout.wake()
	l.stderr.wake()
	l.wg.Wait()
}

// wake ends a rest, or the next one.
func (s *stream) wake() {
	select {
	case s.hurry <- struct{}{}:
	default:
	}
}
