package vm

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The compiled shim holds modules of the standard library: another version of
// them must not be served from the cache.
func TestShimKeyFollowsLibrary(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "encodings"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "encodings", "__init__.py")
	if err := os.WriteFile(file, []byte("x = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	i := Interpreter{Executable: "/opt/python", Path: []string{"/nowhere", dir}}
	before := shimKey(i, []byte("source"))
	if again := shimKey(i, []byte("source")); again != before {
		t.Errorf("shimKey of the same = %s and %s; want one key", before, again)
	}
	if err := os.Chtimes(file, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if after := shimKey(i, []byte("source")); after == before {
		t.Error("shimKey is the same with another version of the library; want another key")
	}
	if other := shimKey(Interpreter{Executable: "/opt/python"}, []byte("source")); other == before {
		t.Error("shimKey is the same without the library; want another key")
	}
}
