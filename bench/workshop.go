package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// sources are the models, and what they are compared with.
//
//go:embed models/*.py floor/*.c
var sources embed.FS

// workshop is a directory for one benchmark's files.
type workshop struct{ dir string }

func newWorkshop() (*workshop, error) {
	dir, err := os.MkdirTemp("", "hotcell-bench")
	if err != nil {
		return nil, err
	}
	w := &workshop{dir}
	// Interpreters in sandboxes read from it, as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) close() { os.RemoveAll(w.dir) }

// put writes a source as a file and gives its path.
func (w *workshop) put(source string) (string, error) {
	data, err := sources.ReadFile(source)
	if err != nil {
		return "", err
	}
	path := filepath.Join(w.dir, filepath.Base(source))
	return path, os.WriteFile(path, data, 0o644)
}

// compile makes a program or, with more flags, a library from a C source.
func (w *workshop) compile(ctx context.Context, source, name string, flags ...string) (string, error) {
	from, err := w.put(source)
	if err != nil {
		return "", err
	}
	path := filepath.Join(w.dir, name)
	args := append([]string{"-O2", "-o", path, from}, flags...)
	if out, err := exec.CommandContext(ctx, "cc", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile %s: %w\n%s", source, err, out)
	}
	return path, nil
}

// model gives the text of a model.
func model(name string) []byte {
	data, err := sources.ReadFile("models/" + name)
	if err != nil {
		panic(err) // a wrong name in this program
	}
	return data
}
