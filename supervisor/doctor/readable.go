package doctor

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hotcell/vm"
)

// maxUnreadable is how many files are looked for: the first ones tell what is
// wrong.
const maxUnreadable = 3

// unreadable lists what a process that owns no file cannot use of the
// interpreter's. It looks at what is mounted for a template and at every
// module, not into packages: it is an installation with a strict umask that
// is to be found, and that shows at the top.
func unreadable(i vm.Interpreter) []string {
	var found []string
	add := func(path string, info fs.FileInfo) {
		if !usable(info) && len(found) < maxUnreadable && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	if info, err := os.Stat(i.Executable); err == nil && info.Mode()&0o001 == 0 {
		found = append(found, i.Executable)
	}
	for _, path := range slices.Concat(i.Mounts, i.Path) {
		if info, err := os.Stat(path); err == nil {
			add(path, info)
		}
	}
	for _, dir := range i.Path {
		entries, _ := os.ReadDir(dir) // a zip file has none
		for _, entry := range entries {
			if entry.Name() == "__pycache__" || entry.Type()&fs.ModeSymlink != 0 {
				continue
			}
			if info, err := entry.Info(); err == nil {
				add(filepath.Join(dir, entry.Name()), info)
			}
		}
	}
	return found
}

// usable tells that everybody may read the file, or enter the directory.
func usable(info fs.FileInfo) bool {
	want := fs.FileMode(0o004)
	if info.IsDir() {
		want = 0o005
	}
	return info.Mode()&want == want
}
