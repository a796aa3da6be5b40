package shm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/require"
)

// TestMain fails when a test leaves a region's descriptor or mapping behind.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, left := range append(openRegions(), mappedRegions()...) {
		fmt.Fprintln(os.Stderr, "left behind:", left)
		code = 1
	}
	os.Exit(code)
}

func openRegions() (found []string) {
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		if target, _ := os.Readlink(fd); strings.Contains(target, "memfd:hotcell-") {
			found = append(found, target)
		}
	}
	return found
}

func mappedRegions() (found []string) {
	maps, _ := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "memfd:hotcell-") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

const page = 4096

func create(t *testing.T, size int64) *Region {
	t.Helper()
	r, err := Create("test", size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func content(t *testing.T, r *Region) []byte {
	t.Helper()
	data := make([]byte, r.Size())
	if _, err := r.ReadAt(data, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return data
}

func TestCreate(t *testing.T) {
	for _, size := range []int64{0, 1, page, 1 << 40} {
		r := create(t, size)
		info, err := r.File().Stat()
		if err != nil || info.Size() != size || r.Size() != size {
			t.Errorf("Create(%d) makes a file of %v, %v; Size() = %d", size, info.Size(), err, r.Size())
		}
		seals, err := sealsOf(r.File())
		if want := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW; err != nil || seals&^unix.F_SEAL_EXEC != want {
			t.Errorf("Create(%d) has seals %#x, %v; want %#x", size, seals, err, want)
		}
		if found := openRegions(); len(found) == 0 || !strings.HasPrefix(found[len(found)-1], "/memfd:hotcell-test") {
			t.Errorf("Create(test) shows as %q; want /memfd:hotcell-test", found)
		}
	}
	for _, test := range []struct {
		name string
		size int64
		want error
	}{
		{"negative", -1, nil},
		{strings.Repeat("x", 250), 1, unix.EINVAL},
		{"a\x00b", 1, unix.EINVAL},
	} {
		if r, err := Create(test.name, test.size); err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("Create(%q, %d) = %v, %v; want error %v", test.name, test.size, r, err, test.want)
		}
	}
}

// A kernel that knows the flag must have been given it.
func TestCreateIsNoProgram(t *testing.T) {
	fd, err := unix.MemfdCreate("probe", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		require.Skip(t, "kernel before 6.3")
	}
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	r := create(t, page)
	if err := r.File().Chmod(0o700); !errors.Is(err, unix.EPERM) {
		t.Errorf("Chmod(0700) = %v; want EPERM", err)
	}
}

func TestMapReadWrite(t *testing.T) {
	r := create(t, 10)
	mapping, err := r.Map()
	if err != nil || len(mapping) != 10 {
		t.Fatalf("Map() = %d bytes, %v; want 10", len(mapping), err)
	}
	again, err := r.Map()
	if err != nil || &again[0] != &mapping[0] {
		t.Errorf("Map() = another mapping, %v; want the same", err)
	}
	copy(mapping, "0123456789")
	if n, err := r.WriteAt([]byte("xy"), 8); n != 2 || err != nil {
		t.Errorf("WriteAt(2 bytes, 8) = %d, %v; want 2", n, err)
	}
	for _, test := range []struct {
		size int
		off  int64
	}{{3, 8}, {1, 10}, {1, -1}, {11, 0}, {1, 1<<63 - 1}} {
		if n, err := r.WriteAt(make([]byte, test.size), test.off); n != 0 || err == nil {
			t.Errorf("WriteAt(%d bytes, %d) = %d, %v; want an error", test.size, test.off, n, err)
		}
	}
	if got := string(content(t, r)); got != "01234567xy" {
		t.Errorf("ReadAt gives %q; want 01234567xy", got)
	}
	if n, err := r.ReadAt(make([]byte, 5), 8); n != 2 || err != io.EOF {
		t.Errorf("ReadAt(5 bytes, 8) = %d, %v; want 2, EOF", n, err)
	}
}

func TestEmptyRegion(t *testing.T) {
	r := create(t, 0)
	if mapping, err := r.Map(); mapping == nil || len(mapping) != 0 || err != nil {
		t.Errorf("Map() = %v, %v; want no bytes", mapping, err)
	}
	if err := r.FillFrom(r.File(), 0, 0); err != nil {
		t.Errorf("FillFrom(0 bytes) = %v", err)
	}
	if err := r.Freeze(); err != nil {
		t.Errorf("Freeze() = %v", err)
	}
}

func TestClose(t *testing.T) {
	r := create(t, page)
	if _, err := r.Map(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
	for name, try := range map[string]func() error{
		"Map":      func() error { _, err := r.Map(); return err },
		"ReadOnly": func() error { _, err := r.ReadOnly(); return err },
		"ReadAt":   func() error { _, err := r.ReadAt(make([]byte, 1), 0); return err },
		"WriteAt":  func() error { _, err := r.WriteAt(make([]byte, 1), 0); return err },
		"Freeze":   r.Freeze,
		"Seal":     r.Seal,
		"FillFrom": func() error { return r.FillFrom(os.Stdin, 0, 1) },
	} {
		if err := try(); err == nil {
			t.Errorf("%s after Close = nil; want an error", name)
		}
	}
}

// Under the race detector this shows that a descriptor is never used while
// another goroutine closes it.
func TestConcurrentClose(t *testing.T) {
	for range 50 {
		r := create(t, page)
		var all sync.WaitGroup
		for _, use := range []func(){
			func() { r.Map() },
			func() { r.ReadAt(make([]byte, 8), 0) },
			func() { r.Freeze() },
			func() { r.Seal() },
			func() { r.Close() },
			func() { r.Close() },
		} {
			all.Go(use)
		}
		all.Wait()
		if found := mappedRegions(); len(found) > 0 {
			t.Fatalf("Close() leaves %q", found)
		}
	}
}

func TestFillFrom(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 40_000) // several pipes full
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size := int64(len(data))
	for _, test := range []struct {
		region, off, size int64
		want              string // "" for no error
	}{
		{size, 0, size, ""},
		{size, 3, size - 3, ""},
		{page, 12_345, 777, ""},
		{page, 0, 0, ""},
		{size, 1, size, "truncated: 1 bytes are missing at offset 640000"},
		{page, size, 1, "truncated: 1 bytes are missing at offset 640000"},
		{page, 1 << 40, 1, "truncated: 1 bytes are missing"},
		{page, 0, page + 1, "4097 bytes from offset 0 into 4096"},
		{page, -1, 1, "from offset -1"},
		{page, 0, -1, "-1 bytes"},
	} {
		r := create(t, test.region)
		err := r.FillFrom(file, test.off, test.size)
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("FillFrom(%d, %d) = %v; want %q", test.off, test.size, err, test.want)
			}
			continue
		}
		want := make([]byte, test.region)
		copy(want, data[test.off:][:test.size])
		if err != nil || !bytes.Equal(content(t, r), want) {
			t.Errorf("FillFrom(%d, %d) = %v and other bytes", test.off, test.size, err)
		}
		if at, err := r.File().Seek(0, io.SeekCurrent); at != 0 || err != nil {
			t.Errorf("FillFrom(%d, %d) leaves position %d, %v; want 0", test.off, test.size, at, err)
		}
	}
}

// The kernel cannot sendfile from this one, so it goes through a mapping.
func TestFillFromWithoutSendfile(t *testing.T) {
	const path = "/proc/self/auxv"
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size := int64(len(want))
	r := create(t, size+1)
	if n, err := r.sendFrom(file, 0, size); n != 0 || err != nil {
		t.Fatalf("sendFrom(%s) = %d, %v; want 0, nil", path, n, err)
	}
	if err := r.FillFrom(file, 0, size); err != nil || !bytes.Equal(content(t, r)[:size], want) {
		t.Errorf("FillFrom(%s) = %v and %x; want %x", path, err, content(t, r)[:size], want)
	}
	if err := r.FillFrom(file, 8, size); err == nil || !strings.Contains(err.Error(), "truncated: 8 bytes are missing") {
		t.Errorf("FillFrom(%s, 8) = %v; want truncated", path, err)
	}
}

func address(data []byte) int64 { return int64(reflect.ValueOf(data).Pointer()) }

func TestReadOnly(t *testing.T) {
	r := create(t, page)
	file, err := r.ReadOnly()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := r.WriteAt([]byte("seen"), 0); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := file.ReadAt(got, 0); err != nil || string(got) != "seen" {
		t.Errorf("ReadAt through ReadOnly = %q, %v; want seen", got, err)
	}
	if _, err := file.WriteAt(got, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("WriteAt through ReadOnly = %v; want EBADF", err)
	}
	if _, err := unix.Mmap(int(file.Fd()), 0, page, unix.PROT_WRITE, unix.MAP_SHARED); err != unix.EACCES {
		t.Errorf("mmap for writing through ReadOnly = %v; want EACCES", err)
	}
}

func TestFrozenAndOwned(t *testing.T) {
	for _, content := range [][]byte{nil, []byte("text")} {
		r, err := Frozen("test", content)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(content))
		if _, err := r.ReadAt(got, 0); len(content) > 0 && err != nil || !bytes.Equal(got, content) {
			t.Errorf("Frozen(%q) holds %q, %v", content, got, err)
		}
		if _, err := r.File().WriteAt([]byte("x"), 0); err == nil {
			t.Errorf("Frozen(%q) can be written", content)
		}
		r.Close()
	}
	r, memory, err := Owned("test", 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	memory[7] = 9
	one := make([]byte, 1)
	if _, err := r.ReadAt(one, 7); err != nil || one[0] != 9 {
		t.Errorf("Owned shows %d, %v; want what was written, 9", one[0], err)
	}
	if _, err := r.File().WriteAt([]byte("x"), 0); err == nil {
		t.Error("somebody else can write what is Owned")
	}
}

func TestAlignUp(t *testing.T) {
	for n, want := range map[int64]int64{0: 0, 1: 64, 63: 64, 64: 64, 65: 128} {
		if got := AlignUp(n); got != want {
			t.Errorf("AlignUp(%d) = %d; want %d", n, got, want)
		}
	}
}
