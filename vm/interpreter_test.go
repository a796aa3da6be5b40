package vm

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	i := Interpreter{Executable: "/opt/python"}
	argv, env := i.Command()
	if want := []string{"/opt/python", "-I", "-S", "-B", "-X", "utf8", "-c", bootstrap}; !slices.Equal(argv, want) {
		t.Errorf("Command arguments = %q; want %q", argv, want)
	}
	for _, want := range []string{"LC_CTYPE=C.UTF-8", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1"} {
		if !slices.Contains(env, want) {
			t.Errorf("Command environment = %q; want %s in it", env, want)
		}
	}
	for _, entry := range env {
		if name, _, _ := strings.Cut(entry, "="); slices.Contains([]string{"PATH", "HOME", "USER", "PYTHONPATH"}, name) {
			t.Errorf("Command environment has %s; want nothing inherited", entry)
		}
	}
	env[0] = "changed"
	if _, again := i.Command(); again[0] == "changed" {
		t.Error("Command gives the same environment twice; want a new one")
	}
}

// The examination vouches for every module of the standard library that the
// shim imports.
func TestExaminationCoversShim(t *testing.T) {
	files, err := shimFiles.ReadDir("shim")
	if err != nil {
		t.Fatal(err)
	}
	imports := regexp.MustCompile(`(?m)^(?:import|from) ([a-z_]+)`)
	for _, file := range files {
		text, err := shimFiles.ReadFile("shim/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range imports.FindAllStringSubmatch(string(text), -1) {
			if name := match[1]; name != "_hotcell" && !strings.Contains(examineScript, `"`+name+`"`) {
				t.Errorf("shim/%s imports %s, which probe/examine.py does not name in NEEDED", file.Name(), name)
			}
		}
	}
}

// A probe with its children, pipes and cache leaves no descriptor open.
func TestFindLeaksNoDescriptor(t *testing.T) {
	requireSystem(t)
	before := descriptors(t)
	c, err := openCache(filepath.Join(t.TempDir(), "hotcell"))
	if err != nil {
		t.Fatal(err)
	}
	for _, choice := range []string{systemPython, systemPython, "/bin/true", "/no/such/file", "nothere"} {
		Find(context.Background(), choice, Options{Cache: c})
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close = %v; want nil", err)
	}
	if after := descriptors(t); !slices.Equal(after, before) {
		t.Errorf("descriptors after Find = %v; want %v", after, before)
	}
}

// descriptors names what is open, but for what reading the list itself opens
// and for the runtime's poller.
func descriptors(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:[event") {
			open = append(open, target)
		}
	}
	return open
}
