package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hotcell/child"
)

// binary is the hotcell under test: the one that HOTCELL_BIN names, as make
// built it, or one that the tests build.
var binary string

func TestMain(m *testing.M) {
	child.Dispatch() // of the supervisor in a test
	code, err := withBinary(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withBinary(m *testing.M) (int, error) {
	if binary = os.Getenv("HOTCELL_BIN"); binary != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "hotcell-test")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "hotcell")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build hotcell: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// testdata is the project's.
func testdata(t testing.TB, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "testdata"}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScripts runs testdata/script/*.txtar against the built binary. Besides
// the usual commands there are
//
//	exits CODE COMMAND...  runs a command that must end with this exit code
//	python ARGUMENT...     runs Debian's interpreter, outside any sandbox
//	leftovers              fails if a dead supervisor left a control group
//
// and $DATA and $DEMO, directories of testdata. What exits ran leaves its
// output in stdout.txt and stderr.txt too.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: testdata(t, "script"),
		Setup: func(env *testscript.Env) error {
			cache, err := os.UserCacheDir()
			if err != nil {
				return err
			}
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("XDG_CACHE_HOME", cache)
			env.Setenv("DATA", testdata(t, "data"))
			env.Setenv("DEMO", testdata(t, "demo"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "python": python,
			"leftovers": func(ts *testscript.TestScript, _ bool, _ []string) {
				if left := abandonedGroups(t); len(left) > 0 {
					ts.Fatalf("left behind: %v", left)
				}
			},
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	for _, name := range []string{"stdout", "stderr"} {
		ts.Check(os.WriteFile(ts.MkAbs(name+".txt"), []byte(ts.ReadFile(name)), 0o644))
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d; want %s", code, args[0])
	}
}

func python(ts *testscript.TestScript, neg bool, args []string) {
	if err := ts.Exec("/usr/bin/python3", args...); (err != nil) != neg {
		ts.Fatalf("python3 %v: %v", args, err)
	}
}

// treeName is how a supervisor names its control groups.
var treeName = regexp.MustCompile(`^hotcell-[0-9a-f]{16}$`)
