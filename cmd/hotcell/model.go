package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/supervisor"
)

// Bounds of a model's source: more is a wrong directory, not a model.
const (
	maxSource = 16 << 20
	maxFiles  = 500
)

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
	source, err := readSource(path)
	if err != nil {
		return nil, err
	}
	// The base name: tracebacks need not tell the model where it lies.
	return []supervisor.SourceFile{{Path: safetext.Line(filepath.Base(path)), Source: source}}, nil
}

func readSource(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, badInput("%v", err)
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	switch {
	case err != nil:
		return nil, badInput("%v", err)
	case len(source) > maxSource:
		return nil, badInput("%s: larger than %d bytes; pass data as an input", path, maxSource)
	}
	return source, nil
}

func readDirectory(dir string) ([]supervisor.SourceFile, error) {
	main := ""
	for _, name := range []string{"__main__.py", "model.py"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			main = name
			break
		}
	}
	if main == "" {
		return nil, badInput("%s: the directory has neither __main__.py nor model.py", dir)
	}
	source, err := readSource(filepath.Join(dir, main))
	if err != nil {
		return nil, err
	}
	files := []supervisor.SourceFile{{Path: main, Source: source}}
	return readModules(dir, main, files, int64(len(source)))
}

// readModules adds the modules that lie beside the model. Links are not
// followed: what they name lies elsewhere.
func readModules(dir, main string, files []supervisor.SourceFile, total int64) ([]supervisor.SourceFile, error) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return badInput("%v", err)
		}
		name := entry.Name()
		if path != dir && entry.IsDir() && !validModule(name) {
			return fs.SkipDir
		}
		if entry.IsDir() || !entry.Type().IsRegular() || filepath.Ext(name) != ".py" {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == main {
			return err
		}
		module, isPackage := moduleName(rel)
		if !validModule(module) {
			return nil
		}
		source, err := readSource(path)
		if err != nil {
			return err
		}
		total += int64(len(source))
		if total > maxSource || len(files) == maxFiles {
			return badInput("%s: more than %d bytes or %d files of Python; is this the model's directory?", dir, maxSource, maxFiles)
		}
		files = append(files, supervisor.SourceFile{Module: module, Path: rel, Package: isPackage, Source: source})
		return nil
	})
	return files, err
}

// moduleName gives the import name of a file, and whether it is a package.
func moduleName(rel string) (string, bool) {
	name := strings.ReplaceAll(strings.TrimSuffix(rel, ".py"), string(filepath.Separator), ".")
	if parent, ok := strings.CutSuffix(name, ".__init__"); ok {
		return parent, true
	}
	return name, false
}

// validModule tells a dotted name of ASCII identifiers.
func validModule(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || part[0] >= '0' && part[0] <= '9' || strings.Trim(part, wordCharacters) != "" {
			return false
		}
	}
	return true
}

const wordCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
