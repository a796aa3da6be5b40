package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/supervisor"
)

// Bounds of a model's source: more is a wrong directory, not a model.
const (
	maxSource = 16 << 20
	maxFiles  = 500
)

// sourceFlags do not wait for the other end of what turns out to be a FIFO.
const sourceFlags = os.O_RDONLY | syscall.O_NONBLOCK

// readModel reads MODEL: a file, or a directory with its modules.
func readModel(path string) ([]supervisor.SourceFile, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, badInput("%s: no such file; name a .py file, or a directory with __main__.py or model.py", path)
	case err != nil:
		return nil, badInput("%v", err)
	case info.IsDir():
		return readDirectory(path)
	case !info.Mode().IsRegular():
		return nil, badInput("%s: not a regular file", path)
	case filepath.Ext(path) != ".py":
		return nil, badInput("%s: a model is a .py file, or a directory with __main__.py or model.py", path)
	}
	f, err := os.OpenFile(path, sourceFlags, 0)
	if err != nil {
		return nil, badInput("%v", err)
	}
	source, err := readSource(path, f)
	if err != nil {
		return nil, err
	}
	// The base name: tracebacks need not tell the model where it lies.
	return []supervisor.SourceFile{{Path: safetext.Line(filepath.Base(path)), Source: source}}, nil
}

// readSource reads a file of Python and closes it. It may be another one than
// was looked at before.
func readSource(path string, f *os.File) ([]byte, error) {
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, badInput("%v", err)
	} else if !info.Mode().IsRegular() {
		return nil, badInput("%s: not a regular file", path)
	}
	source, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	switch {
	case err != nil:
		return nil, badInput("%v", err)
	case len(source) > maxSource:
		return nil, badInput("%s: larger than %d bytes; pass data as an input", path, maxSource)
	}
	return source, nil
}
