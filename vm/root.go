package vm

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// loaderCache is where the C library's loader finds libraries by name.
const loaderCache = "/etc/ld.so.cache"

// timeZones is the one directory of data outside of sys.path that the standard
// library itself names (zoneinfo.TZPATH); Debian's pytz, and pandas with it,
// cannot be imported without.
const timeZones = "/usr/share/zoneinfo"

// maxLoose is from how many libraries on their directory is mounted instead.
const maxLoose = 8

// describeRoot sets Mounts and Links from what the examination saw.
func (i *Interpreter) describeRoot(what examination, home string) error {
	loader, err := programLoader(i.Executable)
	if err != nil {
		return err
	}
	t := newTree()
	needed := append([]string{i.Executable}, i.Path...)
	if loader != "" {
		needed = append(needed, loader)
	}
	for _, path := range needed {
		if err := t.add(path); err != nil {
			return err
		}
	}
	for _, path := range i.startFiles(what.Start) {
		if real, err := t.resolve(path); err == nil && !tooWide(real, home) {
			t.mounts[real] = true
		}
	}
	for _, path := range what.Libraries {
		t.addLoaded(path, home)
	}
	t.addLoaderCache(home)
	if real, err := t.resolve(timeZones); err == nil && !tooWide(real, home) {
		t.mounts[real] = true
	}
	i.Mounts, i.Links = t.minimal()
	return nil
}

// startFiles are read before the shim runs: the standard library where the
// binary finds it by itself, and the venv's file that tells a copied binary
// where its home is.
func (i *Interpreter) startFiles(start []string) []string {
	dir := filepath.Dir(i.Executable)
	return append([]string{filepath.Join(dir, "pyvenv.cfg"), filepath.Join(filepath.Dir(dir), "pyvenv.cfg")}, start...)
}

// addLoaded makes a loaded library visible, with its directory: it is where
// the loader looks for what later imports need, by RPATH or by default. What
// does not exist by this name any more was not found by it either.
func (t *tree) addLoaded(path, home string) {
	real, err := t.resolve(path)
	if err != nil {
		return
	}
	if dir := filepath.Dir(real); !tooWide(dir, home) {
		real = dir
	}
	t.mounts[real] = true
}

// addLoaderCache makes every library visible that the loader could be asked
// for, scipy's as well as numpy's. Most lie in directories that are mounted
// anyway; of the others some are reached through /etc/alternatives, as
// Debian's BLAS is, and some live alone. A machine whose loader has no cache
// (musl) looks in the directories of the loaded libraries only.
func (t *tree) addLoaderCache(home string) {
	data, err := readBounded(loaderCache, maxLoaderCache)
	if err != nil {
		return
	}
	loose := map[string][]string{}
	for _, path := range parseLoaderCache(data) {
		real, err := t.resolve(path)
		if err == nil && !t.mounts[real] && !below(real, t.mounts) {
			loose[filepath.Dir(real)] = append(loose[filepath.Dir(real)], real)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(loose)) {
		if len(loose[dir]) > maxLoose && !tooWide(dir, home) {
			t.mounts[dir] = true
			continue
		}
		for _, file := range loose[dir] {
			t.mounts[file] = true
		}
	}
	if real, err := t.resolve(loaderCache); err == nil {
		t.mounts[real] = true
	}
}

// programLoader gives the ELF program interpreter, "" for a static program.
func programLoader(path string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) || errors.Is(err, io.EOF) {
			return "", fmt.Errorf("its binary %s is not an ELF program", path)
		}
		return "", fmt.Errorf("read ELF header: %w", err)
	}
	defer f.Close()
	for _, prog := range f.Progs {
		if prog.Type != elf.PT_INTERP || prog.Filesz == 0 || prog.Filesz > maxPath {
			continue
		}
		name := make([]byte, prog.Filesz)
		if _, err := prog.ReadAt(name, 0); err != nil {
			return "", fmt.Errorf("read ELF interpreter of %s: %w", path, err)
		}
		return strings.TrimRight(string(name), "\x00"), nil
	}
	return "", nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %s: more than %d bytes", path, limit)
	}
	return data, nil
}
