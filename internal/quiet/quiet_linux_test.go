package quiet

import (
	"os"
	"testing"
	"time"
)

// A watch is silent until it is armed, wakes once, and is silent again.
func TestWatch(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	watch, err := New(int(r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if woken(watch, 20*time.Millisecond) {
		t.Error("a watch that was not armed woke")
	}
	for range 2 {
		if err := watch.Arm(); err != nil {
			t.Fatal(err)
		}
		if !woken(watch, 10*time.Second) {
			t.Fatal("an armed watch did not wake for what is there")
		}
		if woken(watch, 20*time.Millisecond) {
			t.Error("a watch woke twice")
		}
	}
}

func TestWatchTellsTheEnd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	watch, err := New(int(r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	if err := watch.Arm(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if !woken(watch, 10*time.Second) {
		t.Error("the other end's end did not wake")
	}
}

func TestWatchRefusesWhatCannotBeWatched(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := New(int(f.Fd())); err == nil {
		t.Error("a regular file is watched")
	}
}

func woken(w *Watch, within time.Duration) bool {
	select {
	case <-w.Wake:
		return true
	case <-time.After(within):
		return false
	}
}
