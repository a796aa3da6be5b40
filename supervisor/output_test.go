package supervisor

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestLogs(t *testing.T) {
	for _, test := range []struct {
		limit          int64
		stdout, stderr int
		over           int
		passed         int
	}{
		{100, 60, 40, 0, 100},
		{100, 101, 0, 1, 100},
		{100, 100_000, 200_000, 1, 100},
		{1 << 20, 300_000, 0, 0, 300_000},
		{0, 1, 0, 1, 0},
	} {
		var passed bytes.Buffer
		over := 0
		l := logs{limit: test.limit, over: func() { over++ }, stdout: stream{to: &passed}, stderr: stream{}}
		out, outW := pipe(t)
		errs, errW := pipe(t)
		l.follow(out, errs)
		outW.WriteString(strings.Repeat("o", test.stdout))
		outW.Close()
		errW.WriteString(strings.Repeat("e", test.stderr))
		errW.Close()
		l.wait()
		total := int64(test.stdout + test.stderr)
		if over != test.over || l.total.Load() != total {
			t.Errorf("limit %d, %d printed: over %d times, counted %d; want %d, %d", test.limit, total, over, l.total.Load(), test.over, total)
		}
		if kept := len(l.stdout.kept); kept > logKept || kept != min(passed.Len(), logKept) {
			t.Errorf("limit %d, %d printed: kept %d of %d", test.limit, total, kept, passed.Len())
		}
		if test.stderr == 0 && passed.Len() != test.passed || int64(passed.Len()) > test.limit {
			t.Errorf("limit %d, %d printed: passed %d on; want %d", test.limit, total, passed.Len(), test.passed)
		}
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := outputPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, w
}

func TestTail(t *testing.T) {
	tail := newTail(8)
	for _, part := range []string{"one ", "two\n", "three"} {
		if n, err := tail.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", part, n, err)
		}
	}
	if got, want := tail.String(), "wo\nthree"; got != want {
		t.Errorf("String() = %q; want %q", got, want)
	}
	if got := lastLine(tail.String()); got != "three" {
		t.Errorf("lastLine() = %q; want three", got)
	}
}
