package supervisor

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// logKept bounds what a report keeps of each stream.
const logKept = 64 << 10

// logs reads a sandbox's stdout and stderr: it passes them on, keeps the
// beginning of each for the report, and stops the model at the limit.
type logs struct {
	limit  int64
	over   func() // called once, when the limit is passed
	total  atomic.Int64
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
	l.wg.Add(2)
	go l.pump(stdout, &l.stdout)
	go l.pump(stderr, &l.stderr)
}

// pump reads until the last writer is gone. Past the limit it goes on
// reading, so that nothing blocks, and throws away.
func (l *logs) pump(from *os.File, s *stream) {
	defer l.wg.Done()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
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

func (l *logs) wait() { l.wg.Wait() }
