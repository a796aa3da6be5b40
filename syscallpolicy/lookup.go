package syscallpolicy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Lookup says what a path of the machine is: its name without symbolic links,
// and whether it is a directory. Policies are made with one where they will
// be used; nil makes a policy that knows nothing of a machine.
//
// It lives in the supervisor (parent) and follows links with its rights, so
// it is for paths of the operator's choosing only.
type Lookup func(path string) (real string, directory bool, err error)

// Host looks at the machine that it runs on.
func Host(name string) (real string, directory bool, err error) {
	real, err = filepath.EvalSymlinks(name)
	if err != nil {
		return "", false, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", false, err
	}
	return real, info.IsDir(), nil
}

// exists looks at a path that must be there.
func (look Lookup) exists(name string) (directory bool, err error) {
	_, directory, err = look(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("%s does not exist on this machine; create it or correct the path", name)
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", name, err)
	}
	return directory, nil
}

// real gives a path without symbolic links as far as it exists.
func (look Lookup) real(name string) string {
	if look == nil {
		return name
	}
	for rest, at := "", name; ; rest, at = path.Join(path.Base(at), rest), path.Dir(at) {
		if real, _, err := look(at); err == nil {
			return path.Join(real, rest)
		}
		if path.Dir(at) == at {
			return name
		}
	}
}
