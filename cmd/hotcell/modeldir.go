package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"hotcell/supervisor"
)

// directory is a model's, opened once. MODEL itself may be a link: the user
// named it. What lies in the directory may be a stranger's, and a link there
// could name any file of the user's, to be sent to the stranger's code as
// source; so none is followed.
type directory struct {
	path string
	root *os.Root
}

func readDirectory(dir string) ([]supervisor.SourceFile, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, badInput("%v", err)
	}
	defer root.Close()
	d := directory{path: dir, root: root}
	main, err := d.main()
	if err != nil {
		return nil, err
	}
	source, err := d.read(main)
	if err != nil {
		return nil, err
	}
	return d.addModules(supervisor.SourceFile{Path: main, Source: source})
}

// main finds the model among the files.
func (d directory) main() (string, error) {
	for _, name := range []string{"__main__.py", "model.py"} {
		info, err := d.root.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", badInput("%s: %v", d.path, err)
		case info.Mode().Type() == fs.ModeSymlink:
			return "", d.linkError(name)
		case info.Mode().IsRegular():
			return name, nil
		}
	}
	return "", badInput("%s: the directory has neither __main__.py nor model.py", d.path)
}

func (d directory) linkError(name string) error {
	return badInput("%s/%s is a symbolic link: a model's directory is read, but not what links in it lead to; put a copy there",
		strings.TrimSuffix(d.path, "/"), name)
}

// read reads a file below the directory. Should it have become a link in the
// meantime, os.Root leads nowhere else.
func (d directory) read(name string) ([]byte, error) {
	f, err := d.root.OpenFile(name, sourceFlags, 0)
	if err != nil {
		return nil, badInput("%s: %v", d.path, err)
	}
	return readSource(path.Join(d.path, name), f)
}

// addModules adds the modules that lie beside the model.
func (d directory) addModules(main supervisor.SourceFile) ([]supervisor.SourceFile, error) {
	files, total := []supervisor.SourceFile{main}, int64(len(main.Source))
	err := fs.WalkDir(d.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return badInput("%s: %v", d.path, err)
		}
		if entry.IsDir() {
			if name != "." && !validModule(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		module, isPackage := moduleName(name)
		if path.Ext(name) != ".py" || name == main.Path || !validModule(module) {
			return nil
		}
		switch entry.Type() {
		case fs.ModeSymlink:
			return d.linkError(name)
		case 0:
		default:
			return nil // no file
		}
		source, err := d.read(name)
		if err != nil {
			return err
		}
		total += int64(len(source))
		if total > maxSource || len(files) == maxFiles {
			return badInput("%s: more than %d bytes or %d files of Python; is this the model's directory?", d.path, maxSource, maxFiles)
		}
		files = append(files, supervisor.SourceFile{Module: module, Path: name, Package: isPackage, Source: source})
		return nil
	})
	return files, err
}

// moduleName gives the import name of a file, and whether it is a package.
func moduleName(name string) (string, bool) {
	name = strings.ReplaceAll(strings.TrimSuffix(name, ".py"), "/", ".")
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
