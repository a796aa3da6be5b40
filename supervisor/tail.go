package supervisor

import (
	"strings"
	"sync"
)

// tail keeps the last bytes that were written to it. It is safe for
// concurrent use.
type tail struct {
	mu   sync.Mutex
	most int
	b    []byte
}

func newTail(most int) *tail { return &tail{most: most} }

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if extra := len(t.b) - t.most; extra > 0 {
		t.b = append(t.b[:0], t.b[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

func lastLine(s string) string {
	return s[strings.LastIndexByte(s, '\n')+1:]
}
