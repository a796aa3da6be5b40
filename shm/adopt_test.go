package shm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/require"
)

// received is a descriptor as it comes out of a socket.
func received(t *testing.T, file *os.File) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "received")
}

func TestAdopt(t *testing.T) {
	for name, seal := range map[string]func(*Region) error{
		"Freeze":       (*Region).Freeze,
		"FreezeOthers": (*Region).FreezeOthers,
	} {
		made := filled(t)
		if err := seal(made); err != nil {
			t.Fatal(err)
		}
		r, err := Adopt(received(t, made.File()))
		if err != nil {
			t.Errorf("Adopt(after %s) = %v", name, err)
			continue
		}
		if r.Size() != page || string(content(t, r)[:4]) != "good" {
			t.Errorf("Adopt(after %s) has %d bytes, %q; want %d, good", name, r.Size(), content(t, r)[:4], page)
		}
		if _, err := r.Map(); err == nil {
			t.Errorf("Map() of an adopted region = nil; want an error")
		}
		resist(t, r, onSize)
		resist(t, r, onBytes)
		if err := r.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}

func TestAdoptReadOnly(t *testing.T) {
	made := filled(t)
	if err := made.Freeze(); err != nil {
		t.Fatal(err)
	}
	file, err := made.ReadOnly()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Adopt(file)
	if err != nil {
		t.Fatalf("Adopt(ReadOnly()) = %v", err)
	}
	defer r.Close()
	if got := string(content(t, r)[:4]); got != "good" {
		t.Errorf("Adopt(ReadOnly()) holds %q; want good", got)
	}
}

// sealed is a bare memfd with the given seals.
func sealed(t *testing.T, flags, seals int) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("foreign", unix.MFD_CLOEXEC|flags)
	if err != nil {
		t.Fatal(err)
	}
	if seals != 0 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
			t.Fatal(err)
		}
	}
	return os.NewFile(uintptr(fd), "foreign")
}

func opened(t *testing.T, path string, flags int) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAdoptRefuses(t *testing.T) {
	const shrink, grow, write = unix.F_SEAL_SHRINK, unix.F_SEAL_GROW, unix.F_SEAL_WRITE
	const sealing = unix.MFD_ALLOW_SEALING
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		file *os.File
		want string
	}{
		{"fifo", opened(t, fifo, os.O_RDWR), "not a memfd"},
		{"device", opened(t, "/dev/zero", os.O_RDWR), "not a memfd"},
		{"directory", opened(t, t.TempDir(), os.O_RDONLY), "not a memfd"},
		{"proc file", opened(t, "/proc/self/maps", os.O_RDONLY), "not a memfd"},
		{"path only", opened(t, "/proc/self/exe", unix.O_PATH), "not a memfd"},
		{"file on tmpfs", opened(t, "/dev/shm", unix.O_TMPFILE|os.O_RDWR), "not sealed: it can shrink"},
		{"no sealing", sealed(t, 0, 0), "not sealed: it can shrink"},
		{"no seals", sealed(t, sealing, 0), "not sealed: it can shrink"},
		{"may shrink", sealed(t, sealing, grow|write), "it can shrink"},
		{"may grow", sealed(t, sealing, shrink|write), "it can grow"},
		{"may be written", sealed(t, sealing, shrink|grow), "it can be written"},
	} {
		r, err := Adopt(test.file)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Adopt(%s) = %v, %v; want an error with %q", test.name, r, err, test.want)
		}
		if err := test.file.Close(); err != nil {
			t.Errorf("Adopt(%s) took the file: %v", test.name, err)
		}
		if _, err := Adopt(test.file); err == nil {
			t.Errorf("Adopt(%s, closed) = nil; want an error", test.name)
		}
	}
}

func TestAdoptRefusesHugePages(t *testing.T) {
	fd, err := unix.MemfdCreate("huge", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_HUGETLB)
	if err != nil {
		require.Skip(t, "kernel without huge pages:", err)
	}
	file := os.NewFile(uintptr(fd), "huge")
	defer file.Close()
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(file); err == nil || !strings.Contains(err.Error(), "not on tmpfs") {
		t.Errorf("Adopt(huge pages) = %v; want an error", err)
	}
}
