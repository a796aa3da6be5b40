package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/supervisor"
	"hotcell/vm"
)

// Every call of the table is answered by the kernel itself, whoever asks.
func TestCalls(t *testing.T) {
	e := &evidence{calls: runProbe(t.Context(), probeCalls)}
	e.release, e.machine = kernel()
	if e.calls.end != nil || len(e.calls.list) != len(neededCalls) {
		t.Fatalf("%d answers, end %v; want %d", len(e.calls.list), e.calls.end, len(neededCalls))
	}
	if needed, optional := e.refusals(); needed != nil || optional != nil {
		t.Errorf("refused: %v, %v; want none", needed, optional)
	}
}

// An id without rights is answered in the same way.
func TestCallsWithoutRights(t *testing.T) {
	attributes := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		attributes.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		readable(t)
	}
	a, err := startProbe(t.Context(), probeCalls, attributes, ignore)
	if err != nil {
		t.Fatal(err)
	}
	e := &evidence{calls: a, release: "6.0"}
	if needed, optional := e.refusals(); needed != nil || optional != nil || a.end != nil {
		t.Errorf("refused: %v, %v, end %v; want none", needed, optional, a.end)
	}
}

// readable skips nothing: go test may build below a directory of root's own,
// and /proc/self/exe is executed by its inode.
func readable(t *testing.T) {
	t.Helper()
	info, err := os.Stat("/proc/self/exe")
	if err != nil || info.Mode()&0o005 != 0o005 {
		t.Fatalf("the test's binary: %v, %v; want it executable by everybody", info.Mode(), err)
	}
}

func TestNotification(t *testing.T) {
	a := runProbe(t.Context(), probeNotify)
	for _, step := range []string{stepListener, stepReceive, stepAddFD, stepAddSend, stepRespond, stepReturn} {
		if !a.works(step) {
			t.Errorf("%s: %v; want success", step, a)
		}
	}
}

func TestUnknownProbe(t *testing.T) {
	a := runProbe(t.Context(), "nonsense")
	if a.end == nil || !strings.Contains(a.end.Error(), "no such probe") {
		t.Errorf("end %v; want no such probe", a.end)
	}
}

// Outside of namespaces of its own the probe does nothing: it would change the
// machine.
func TestNamespacesByHand(t *testing.T) {
	a, err := startProbe(t.Context(), probeNamespaces, &syscall.SysProcAttr{}, func(_ int, _ answer, done func()) { done() })
	if err != nil || a.end != nil || len(a.list) != 1 || a.list[0].Errno != unix.ENOTSUP {
		t.Errorf("probe = %v, %v; want one refusal", a, err)
	}
}

// A probe that hangs ends with its time, or the caller's patience.
func TestProbeHangs(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	started := time.Now()
	// Nobody tells this one that it was looked into.
	id, err := supervisor.NewChildIdentity()
	if err != nil {
		t.Fatal(err)
	}
	a, err := startProbe(ctx, probeNamespaces, id.Attributes, ignore)
	if took := time.Since(started); err != nil || a.end == nil || took > 3*time.Second {
		t.Errorf("end %v, %v after %v; want one by the time", a.end, err, took)
	}
}

func TestReadAnswers(t *testing.T) {
	var seen []string
	a, err := readAnswers(strings.NewReader("a\t1\t0\nb\t0\t7\nc\t0\n"),
		func(one answer) { seen = append(seen, one.Call) })
	if err == nil || !slices.Equal(seen, []string{"a", "b"}) || len(a.list) != 2 {
		t.Errorf("readAnswers = %v, %v, shown %v; want a, b and an error", a, err, seen)
	}
	if !a.works("a", unix.EPERM, unix.ENOSYS) || a.works("a") || !a.works("b") || a.works("c") {
		t.Errorf("answers %v; want a refused, b made and c not", a)
	}
	if a, err := readAnswers(strings.NewReader(""), nil); err != nil || !a.started {
		t.Errorf("readAnswers of nothing = %v, %v; want a start", a, err)
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	i := vm.Interpreter{Executable: filepath.Join(dir, "python"), Mounts: []string{dir}, Path: []string{filepath.Join(dir, "lib"), filepath.Join(dir, "none.zip")}}
	for name, mode := range map[string]os.FileMode{"python": 0o755, "lib/": 0o755, "lib/good/": 0o755, "lib/strict/": 0o700, "lib/strict.py": 0o600, "lib/good.py": 0o644, "lib/__pycache__/": 0o700} {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755)
		if strings.HasSuffix(name, "/") {
			err = errors.Join(err, os.MkdirAll(path, 0o755))
		} else {
			err = errors.Join(err, os.WriteFile(path, nil, 0o644))
		}
		if err := errors.Join(err, os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Symlink("/nowhere", filepath.Join(dir, "lib", "link"))); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "lib/strict"), filepath.Join(dir, "lib/strict.py")}
	if got := unreadable(i); !slices.Equal(got, want) {
		t.Errorf("unreadable = %v; want %v", got, want)
	}
	if err := os.Chmod(i.Executable, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := unreadable(i); len(got) != 3 || got[0] != i.Executable {
		t.Errorf("unreadable = %v; want the binary first", got)
	}
}
