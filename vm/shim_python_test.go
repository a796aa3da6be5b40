package vm

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestShimInPython runs the tests in shim_test within the interpreter that
// "hotcell run" would choose. They start as a template does, by the
// bootstrap, with the embedded shim in both of its forms and one module more.
func TestShimInPython(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	i, err := Find(ctx, cpython, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if i.Numpy == "" {
		t.Fatalf("%s has no numpy, which these tests need: apt install python3-numpy", i.Executable)
	}
	source := shimWithTests(t)
	compiled, err := compileShim(ctx, i, source)
	if err != nil {
		t.Fatal(err)
	}
	for form, code := range map[string][]byte{"source": source, "compiled": compiled} {
		t.Run(form, func(t *testing.T) { runShimTests(t, ctx, i.Executable, code) })
	}
}

// shimWithTests is the source form with shim_test/run.py behind the shim's
// own modules.
func shimWithTests(t *testing.T) []byte {
	t.Helper()
	source, err := shimSource()
	if err != nil {
		t.Fatal(err)
	}
	var modules [][2]string
	if err := json.Unmarshal(source[1:], &modules); err != nil {
		t.Fatal(err)
	}
	run, err := os.ReadFile("shim_test/run.py")
	if err != nil {
		t.Fatal(err)
	}
	all, err := json.Marshal(append(modules, [2]string{"run", string(run)}))
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte("S"), all...)
}

func runShimTests(t *testing.T, ctx context.Context, python string, code []byte) {
	folder, err := filepath.Abs("shim_test")
	if err != nil {
		t.Fatal(err)
	}
	shim, err := os.CreateTemp(t.TempDir(), "shim")
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	if _, err := shim.Write(code); err != nil {
		t.Fatal(err)
	}
	if _, err := shim.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd := exec.CommandContext(ctx, python, "-I", "-c", bootstrap, folder)
	cmd.ExtraFiles = []*os.File{null, shim} // the bootstrap reads descriptor 4
	cmd.Env = []string{"LANG=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", python, err, out)
	}
}

// Whatever is in the folder is in the binary, and is run.
func TestShimIsComplete(t *testing.T) {
	files, err := shimFiles.ReadDir("shim")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, name := range shimModules {
		listed[name+".py"] = true
	}
	for _, f := range files {
		if !listed[f.Name()] {
			t.Errorf("shim/%s is embedded, but shimModules does not name it", f.Name())
		}
	}
}
