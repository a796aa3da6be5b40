package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hotcell/internal/require"
)

// insideEnv holds the rootSpec for TestInsideRoot in the process it runs in.
const insideEnv = "HOTCELL_TEST_ROOT"

// rootSpec is what becomes a root, and what to execute in it.
type rootSpec struct {
	Dir    string
	Mounts []string
	Links  []Link
	Argv   []string
	Env    []string
}

// TestInsideRoot is no test but the process that TestRoot starts in new
// namespaces: it builds the root as a child would and becomes the interpreter.
func TestInsideRoot(t *testing.T) {
	text := os.Getenv(insideEnv)
	if text == "" {
		require.Skip(t, "TestRoot runs this in a process of its own")
	}
	var s rootSpec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if err := s.become(); err != nil {
		t.Fatal(err)
	}
}

func (s rootSpec) become() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("root", s.Dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	for _, link := range s.Links {
		path := filepath.Join(s.Dir, link.Path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(link.Target, path)); err != nil {
			return err
		}
	}
	for _, path := range s.Mounts {
		if err := bind(path, filepath.Join(s.Dir, path)); err != nil {
			return err
		}
	}
	if err := errors.Join(syscall.Chroot(s.Dir), syscall.Chdir("/")); err != nil {
		return err
	}
	return syscall.Exec(s.Argv[0], s.Argv, s.Env)
}

func bind(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else {
		err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, nil, 0o644))
	}
	if err != nil {
		return err
	}
	return syscall.Mount(from, to, "", syscall.MS_BIND|syscall.MS_REC, "")
}

// lookAround is run outside and inside: what a model could use must be the
// same. The arguments are the libraries that the loader knows.
const lookAround = `
import json, os, sys
path = json.loads(sys.argv[1])
sys.path[:] = path
import ctypes, decimal, hashlib, linecache, random, socket, sqlite3, zlib
for name in "numpy", "scipy.linalg", "scipy.optimize":
    try:
        module = __import__(name)
        print(name, module.__version__, module.__file__)
    except ImportError as e:
        print(name, type(e))
if "numpy" in sys.modules:
    import numpy
    print(numpy.linalg.svd(numpy.arange(6.0).reshape(2, 3))[1].tobytes().hex(), numpy.fft.fft([1, 2, 3]), numpy.random.default_rng(1).random())
print(sys.version, sys.prefix, sys.base_prefix, sys.executable, sys.flags, sorted(os.environ.items()))
print("libraries missing:", [path for path in sys.argv[2:] if not os.path.exists(path)])
print("\n", json.dumps({top: sorted(os.listdir(top)) for top in ("/", "/etc", "/root", "/home") if os.access(top, os.R_OK)}))
`

// TestRoot runs interpreters in roots made of their Mounts and Links and
// nothing else.
func TestRoot(t *testing.T) {
	requireSystem(t)
	dir := t.TempDir()
	venv := func(name string, args ...string) string { return makeVenv(t, filepath.Join(dir, name), args...) }
	linked := filepath.Join(dir, "linked")
	if err := os.Symlink(filepath.Dir(filepath.Dir(venv("venv"))), linked); err != nil {
		t.Fatal(err)
	}
	choices := map[string]string{
		"system": systemPython, "venv": venv("system-site", "--system-site-packages"), "bare venv": venv("bare"),
		"copied venv": venv("copied", "--copies", "--system-site-packages"), "linked venv": linked + "/bin/python3",
	}
	for c := range (Options{}).candidates([]string{"python3"}) {
		if c.path != systemPython {
			choices["on the PATH "+c.path] = c.path
		}
	}
	for name, choice := range choices {
		t.Run(name, func(t *testing.T) {
			i, err := Find(context.Background(), choice, Options{})
			if err != nil {
				t.Fatalf("Find(%s) = %v; want nil", choice, err)
			}
			t.Logf("%s has numpy %q, path %q, mounts %q, links %q", i.Executable, i.Numpy, i.Path, i.Mounts, i.Links)
			checkDescription(t, i)
			compareInside(t, i)
		})
	}
}

// checkDescription checks what a child relies on when it builds the root.
func checkDescription(t *testing.T, i Interpreter) {
	t.Helper()
	mounts := map[string]bool{}
	for _, path := range i.Mounts {
		real, err := filepath.EvalSymlinks(path)
		if err != nil || real != path {
			t.Errorf("mount %s is really %s, %v; want a real path", path, real, err)
		}
		mounts[path] = true
	}
	for _, path := range i.Mounts {
		if below(path, mounts) || tooWide(path, os.Getenv("HOME")) {
			t.Errorf("mount %s is below another one or too wide", path)
		}
		if strings.HasPrefix(path, "/etc/") && path != loaderCache {
			t.Errorf("mount %s; want nothing of /etc but %s", path, loaderCache)
		}
	}
	for _, link := range i.Links {
		dir := filepath.Dir(link.Path)
		if real, err := filepath.EvalSymlinks(dir); err != nil || real != dir || below(link.Path, mounts) {
			t.Errorf("link %s: its directory is really %s, %v; want a real one, below no mount", link.Path, real, err)
		}
	}
}

func compareInside(t *testing.T, i Interpreter) {
	t.Helper()
	path, err := json.Marshal(i.Path)
	if err != nil {
		t.Fatal(err)
	}
	cache, _ := os.ReadFile(loaderCache) // a machine without one knows none
	argv := i.command(lookAround, append([]string{string(path)}, parseLoaderCache(cache)...)...)
	outside := exec.Command(i.Executable)
	outside.Args, outside.Env = argv, environment()
	want, err := outside.Output()
	if err != nil {
		t.Fatalf("run outside: %v", explain(err))
	}
	got, err := insideRoot(t, i, argv)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		require.Skipf(t, "this machine allows no user namespaces: %v", err)
	}
	if err != nil {
		t.Fatalf("run inside: %v", explain(err))
	}
	wantText, _, _ := bytes.Cut(want, []byte("\n\n"))
	gotText, gotTree, _ := bytes.Cut(got, []byte("\n\n"))
	if !bytes.Equal(gotText, wantText) {
		t.Errorf("inside the root: %s\nwant: %s", gotText, wantText)
	}
	checkInside(t, gotTree)
}

// checkInside checks what directories that others share hold in the root.
func checkInside(t *testing.T, tree []byte) {
	t.Helper()
	var held map[string][]string
	if err := json.Unmarshal(tree, &held); err != nil {
		t.Fatalf("decode %q: %v", tree, err)
	}
	for _, name := range held["/"] {
		if !slices.Contains([]string{"etc", "lib", "lib32", "lib64", "opt", "root", "home", "tmp", "usr"}, name) {
			t.Errorf("the root holds /%s; want nothing that an interpreter does not need", name)
		}
	}
	for _, name := range held["/etc"] {
		if name != "alternatives" && name != "ld.so.cache" {
			t.Errorf("the root holds /etc/%s; want only what the loader needs", name)
		}
	}
	for _, home := range []string{"/root", "/home"} {
		if len(held[home]) > 1 {
			t.Errorf("the root holds %v in %s; want at most the interpreter", held[home], home)
		}
	}
}

func insideRoot(t *testing.T, i Interpreter, argv []string) ([]byte, error) {
	t.Helper()
	spec, err := json.Marshal(rootSpec{t.TempDir(), i.Mounts, i.Links, argv, environment()})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestInsideRoot$")
	cmd.Env = []string{insideEnv + "=" + string(spec)}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return cmd.Output()
}

// explain shows what a program wrote before it failed.
func explain(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitFailure(err, string(exit.Stderr))
	}
	return err
}
