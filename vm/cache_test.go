package vm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/internal/require"
)

// testCache opens a cache in a directory of its own.
func testCache(t *testing.T) (*Cache, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "made", "hotcell")
	c, err := openCache(dir)
	if err != nil {
		t.Fatalf("openCache(%s) = %v; want nil", dir, err)
	}
	t.Cleanup(func() { c.Close() })
	return c, dir
}

func TestBlob(t *testing.T) {
	c, dir := testCache(t)
	for key, blob := range map[string][]byte{"a": {}, "b-1": []byte("bytes"), "shim-0123": bytes.Repeat([]byte{7}, 1<<20)} {
		if err := c.Put(key, blob); err != nil {
			t.Errorf("Put(%s) = %v; want nil", key, err)
		}
		if got, ok := c.Blob(key); !ok || !bytes.Equal(got, blob) {
			t.Errorf("Blob(%s) = %d bytes, %v; want %d bytes", key, len(got), ok, len(blob))
		}
	}
	if err := c.Put("a", []byte("new")); err != nil {
		t.Errorf("Put again = %v; want nil", err)
	}
	if got, ok := c.Blob("a"); !ok || string(got) != "new" {
		t.Errorf("Blob(a) = %q, %v; want new", got, ok)
	}
	if got, ok := c.Blob("never-put"); ok {
		t.Errorf("Blob(never-put) = %q, true; want a miss", got)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of %s = %v, %v; want 0700", dir, info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 3 {
		t.Errorf("the cache holds %v; want three files", files)
	}
}

func TestBlobKeys(t *testing.T) {
	c, _ := testCache(t)
	for _, key := range []string{"", "../x", "a/b", "A", "~x", "-a", "a.b", strings.Repeat("a", 101)} {
		if err := c.Put(key, nil); err == nil {
			t.Errorf("Put(%q) = nil; want an error", key)
		}
		if _, ok := c.Blob(key); ok {
			t.Errorf("Blob(%q) is there; want a miss", key)
		}
	}
	if err := c.Put("large", make([]byte, maxBlob+1)); err == nil {
		t.Errorf("Put of %d bytes = nil; want an error", maxBlob+1)
	}
}

func TestNilCache(t *testing.T) {
	var c *Cache
	if err := c.Put("a", nil); err != nil {
		t.Errorf("Put = %v; want nil", err)
	}
	if _, ok := c.Blob("a"); ok {
		t.Error("Blob is there; want a miss")
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close = %v; want nil", err)
	}
}

func TestBlobDamage(t *testing.T) {
	damages := map[string]func(path string) error{
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"cut":       func(path string) error { return os.Truncate(path, int64(blobHeader+2)) },
		"longer":    func(path string) error { return os.Truncate(path, 100) },
		"flipped":   func(path string) error { return patch(path, int64(blobHeader), 'X') },
		"header":    func(path string) error { return patch(path, 0, 'X') },
		"checksum":  func(path string) error { return patch(path, int64(blobHeader-1), 0xff) },
		"too large": func(path string) error { return os.Truncate(path, maxBlob*2) },
		"writable by others": func(path string) error {
			return os.Chmod(path, 0o622)
		},
		"directory": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		},
		"link out": func(path string) error {
			if err := os.Rename(path, filepath.Join(filepath.Dir(path), "../a")); err != nil {
				return err
			}
			return os.Symlink("../a", path)
		},
	}
	for name, damage := range damages {
		c, dir := testCache(t)
		if err := c.Put("a", []byte("some bytes")); err != nil {
			t.Fatalf("Put = %v; want nil", err)
		}
		if err := damage(filepath.Join(dir, "a")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, ok := c.Blob("a"); ok {
			t.Errorf("%s: Blob = %q, true; want a miss", name, got)
		}
	}
}

func patch(path string, at int64, b byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte{b}, at)
	return err
}

func TestOpenCacheRefuses(t *testing.T) {
	dir := t.TempDir()
	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{shared, file, filepath.Join(file, "below")} {
		if c, err := openCache(path); err == nil {
			c.Close()
			t.Errorf("openCache(%s) = nil; want an error", path)
		}
	}
}

func TestOpenCacheOfAnother(t *testing.T) {
	if os.Getuid() != 0 {
		require.Skip(t, "another user's directory can be made by root only")
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(other, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{other, filepath.Join(other, "hotcell")} {
		if c, err := openCache(path); err == nil {
			c.Close()
			t.Errorf("openCache(%s) = nil; want an error", path)
		}
	}
	if files, _ := os.ReadDir(other); len(files) != 0 {
		t.Errorf("openCache left %v in another user's directory; want nothing", files)
	}
}

func TestPrune(t *testing.T) {
	c, dir := testCache(t)
	old := time.Now().Add(-maxBlobAge - time.Hour)
	for name, made := range map[string]time.Time{
		"fresh": time.Now(), "old": old, "~dead": time.Now().Add(-2 * time.Hour), "~live": time.Now(),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, made, made); err != nil {
			t.Fatal(err)
		}
	}
	c.prune(time.Now())
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if want := []string{filepath.Join(dir, "fresh"), filepath.Join(dir, "~live")}; fmt.Sprint(files) != fmt.Sprint(want) {
		t.Errorf("prune left %v; want %v", files, want)
	}
	for n := range maxBlobs {
		path := filepath.Join(dir, fmt.Sprintf("n%d", n))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		minute := time.Now().Add(-time.Minute)
		if err := os.Chtimes(path, minute, minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Put("last", nil); err != nil {
		t.Errorf("Put = %v; want nil", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != maxBlobs {
		t.Errorf("Put left %d files; want %d", len(files), maxBlobs)
	}
	if _, ok := c.Blob("last"); !ok {
		t.Error("Blob(last) is a miss; want the newest kept")
	}
}
