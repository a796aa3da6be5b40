package arrayfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/shm"
)

func openDir(t *testing.T, path string) *os.File {
	t.Helper()
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

// onlyReadAt hides the file, so that the copy through a buffer is taken.
type onlyReadAt struct{ io.ReaderAt }

// What numpy saved comes back byte for byte.
func TestStoreAgainstNumpy(t *testing.T) {
	for _, array := range readGolden(t).Arrays {
		if array.Slice != "" {
			continue
		}
		path := unpack(t, array.Member)
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		input, _, err := load(t, path)
		if err != nil {
			t.Errorf("Load(%s) = error %v", array.Member, err)
			continue
		}
		dir := t.TempDir()
		for name, src := range map[string]io.ReaderAt{"region": input.Region, "file": input.Region.File(), "buffer": onlyReadAt{input.Region}} {
			if err := Store(openDir(t, dir), name, input.Ref, src); err != nil {
				t.Errorf("Store(%s from %s) = %v", array.Member, name, err)
				continue
			}
			if got, err := os.ReadFile(filepath.Join(dir, name+".npy")); err != nil || !bytes.Equal(got, want) {
				t.Errorf("Store(%s from %s) writes %q, %v; want %q", array.Member, name, got, err, want)
			}
		}
		checkNames(t, dir, "buffer.npy", "file.npy", "region.npy")
	}
}

func checkNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q; want %q", dir, got, want)
	}
}

func int32s(t *testing.T, n int64) shm.Ref {
	t.Helper()
	dtype, err := shm.ParseDType("<i4")
	if err != nil {
		t.Fatal(err)
	}
	return shm.Ref{Name: "r", DType: dtype, Shape: []int64{n}}
}

func TestStoreAtOffset(t *testing.T) {
	ref := int32s(t, 600_000) // more than one buffer
	ref.Offset = 64
	data := make([]byte, 64+4*600_000)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	dir := t.TempDir()
	for name, src := range map[string]io.ReaderAt{"bytes": bytes.NewReader(data), "file": openDir(t, writeFile(t, "data", data))} {
		if err := StoreFile(filepath.Join(dir, name), ref, src); err != nil {
			t.Errorf("StoreFile(%s) = %v", name, err)
			continue
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(got) != 128+4*600_000 || !bytes.Equal(got[128:], data[64:]) {
			t.Errorf("StoreFile(%s) writes %d bytes, %v; want %d, the same", name, len(got), err, 128+4*600_000)
		}
	}
	checkNames(t, dir, "bytes", "file")
}

func TestStoreReplacesLink(t *testing.T) {
	dir := t.TempDir()
	victim := writeFile(t, "victim", []byte("precious"))
	for _, name := range []string{"soft.npy", "hard.npy"} {
		path := filepath.Join(dir, name)
		plant := os.Symlink
		if name == "hard.npy" {
			plant = os.Link
		}
		if err := plant(victim, path); err != nil {
			t.Fatal(err)
		}
		if err := Store(openDir(t, dir), strings.TrimSuffix(name, ".npy"), int32s(t, 1), bytes.NewReader(make([]byte, 4))); err != nil {
			t.Errorf("Store over %s = %v", name, err)
		}
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() != 132 {
			t.Errorf("Store over %s leaves %v, %v; want a file of 132 bytes", name, info, err)
		}
	}
	if got, err := os.ReadFile(victim); err != nil || string(got) != "precious" {
		t.Errorf("the link's target holds %q, %v; want it untouched", got, err)
	}
	checkNames(t, dir, "hard.npy", "soft.npy")
}

func TestStoreMode(t *testing.T) {
	old := unix.Umask(0o027)
	defer unix.Umask(old)
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := StoreFile(path, int32s(t, 1), bytes.NewReader(make([]byte, 4))); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("StoreFile gives mode %v, %v; want 0640", info.Mode(), err)
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errBroken }

func TestStoreErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	four := bytes.NewReader(make([]byte, 4))
	negative := int32s(t, -1)
	for _, test := range []struct {
		path string
		ref  shm.Ref
		src  io.ReaderAt
		is   error
	}{
		{"short.npy", int32s(t, 2), four, errTruncated},
		{"short.npy", int32s(t, 2), openDir(t, writeFile(t, "data", make([]byte, 4))), errTruncated},
		{"broken.npy", int32s(t, 2), broken{}, errBroken},
		{"taken", int32s(t, 1), four, nil},
		{"missing/x.npy", int32s(t, 1), four, fs.ErrNotExist},
		{"taken/", int32s(t, 1), four, nil},
		{"taken/..", int32s(t, 1), four, nil},
		{strings.Repeat("x", 256), int32s(t, 1), four, unix.ENAMETOOLONG},
		{"negative.npy", negative, four, nil},
	} {
		err := StoreFile(dir+"/"+test.path, test.ref, test.src)
		if err == nil || test.is != nil && !errors.Is(err, test.is) || strings.Contains(err.Error(), "\n") {
			t.Errorf("StoreFile(%s) = %v; want one line of %v", test.path, err, test.is)
		}
		checkNames(t, dir, "taken")
	}
	for _, name := range []string{"../x", "a/b", "", ".", "a\x00b", "x.y", strings.Repeat("x", 65)} {
		if err := Store(openDir(t, dir), name, int32s(t, 1), four); err == nil {
			t.Errorf("Store(%q) = nil; want an error", name)
		}
		checkNames(t, dir, "taken")
	}
}
