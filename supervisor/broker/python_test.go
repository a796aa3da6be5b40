package broker

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/syscallpolicy"
)

// enter is what a Python process does to become a sandbox: imports first, then
// the filter, then a model. What a sandbox has beyond that (namespaces, an
// empty root) is not needed to see what the broker does.
const enter = `
import ctypes, sys, os, io, shutil, tempfile, pathlib, random, socket, errno, threading, stat, sqlite3, traceback, linecache
import http.client, encodings.idna, encodings.cp437, json, glob, zipfile
libc = ctypes.CDLL(None, use_errno=True)
code = open(sys.argv[1], "rb").read()
class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_void_p)]
buffer = ctypes.create_string_buffer(code, len(code))
program = Program(len(code) // 8, ctypes.addressof(buffer))
model = compile(open(sys.argv[2]).read(), "model.py", "exec")
os.umask(0o077)
libc.prctl(38, 1, 0, 0, 0)
listener = libc.syscall(317, 1, 8, ctypes.byref(program))
assert listener >= 0, ctypes.get_errno()
print(listener, flush=True)
sys.stdin.buffer.raw.read(1)
os.close(listener)
exec(model, {"__name__": "__main__"})
`

// runPython runs a model in a process under the filter that the product uses,
// answered by the broker, and gives what it printed.
func runPython(t *testing.T, b *Broker, model string) string {
	t.Helper()
	return runPythonLimited(t, b, model, nil)
}

// runPythonLimited has the process limited, given its number, before the model
// begins.
func runPythonLimited(t *testing.T, b *Broker, model string, limit func(pid int)) string {
	t.Helper()
	dir := folder(t)
	program, err := syscallpolicy.Shape{Threads: true}.Compile()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "filter"), program.Bytes(), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "model.py"), []byte(model), 0o600))
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-I", "-c", enter, dir+"/filter", dir+"/model.py")
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stderr = &out
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadString('\n')
	if err != nil {
		cmd.Wait()
		t.Fatalf("python did not enter: %v\n%s", err, out.String())
	}
	var listener int
	fmt.Sscan(line, &listener)
	p := attach(t, cmd.Process.Pid, listener)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.serve(t, b)
	}()
	if limit != nil {
		limit(cmd.Process.Pid)
	}
	stdin.Write([]byte{'\n'})
	var text strings.Builder
	reader.WriteTo(&text)
	<-done
	if err := cmd.Wait(); err != nil {
		t.Errorf("model: %v\n%s", err, out.String())
	}
	return text.String()
}

// scratchBroker has scratch, and allows all in it.
func scratchBroker(t *testing.T, more ...rule) (*Broker, *recorded) {
	t.Helper()
	scratch, err := NewScratch(8<<20, 2000)
	must(t, err)
	p := &recorded{rules: append([]rule{{path: ScratchPath, effect: allow}}, more...)}
	return newBroker(t, Options{Decide: p.decide, Scratch: scratch}), p
}

// TestPythonInScratch: ordinary file work simply works.
func TestPythonInScratch(t *testing.T) {
	b, _ := scratchBroker(t)
	model, err := os.ReadFile("testdata/scratch.py")
	must(t, err)
	if got := runPython(t, b, string(model)); got != "done\n" {
		t.Errorf("the model printed %q; want %q", got, "done\n")
	}
}

// TestPythonOnGrants: a granted tree is read and changed as on the host, and
// nothing else is seen.
func TestPythonOnGrants(t *testing.T) {
	root := tree(t)
	p := &recorded{rules: []rule{{path: root, effect: allow},
		{path: "/virtual.json", effect: syscallpolicy.Decision{Effect: syscallpolicy.Virtual, Content: `{"window": 20}`}}}}
	b := newBroker(t, Options{Decide: p.decide, Roots: []Root{{Path: root, Write: true}}})
	model, err := os.ReadFile("testdata/grants.py")
	must(t, err)
	got := runPython(t, b, fmt.Sprintf("root = %q\n%s", root, model))
	if got != "done\n" {
		t.Errorf("the model printed %q; want %q", got, "done\n")
	}
	if content, err := os.ReadFile(root + "/made/by/model"); string(content) != "model was here" {
		t.Errorf("the model's file holds %q, %v", content, err)
	}
}

// TestPathDescriptor: the kernel hands over no descriptor that only names a
// file, which is why O_PATH gives one that reads.
func TestPathDescriptor(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	got := runPython(t, b, fmt.Sprintf(`
import os
fd = os.open(%q, os.O_PATH)
print(os.read(fd, 7))
`, root+"/file"))
	if want := "b'content'\n"; got != want {
		t.Errorf("the model printed %q; want %q", got, want)
	}
}
