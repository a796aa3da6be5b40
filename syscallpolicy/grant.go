package syscallpolicy

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// checkGranted refuses a grant of paths that could not be carried out: one
// that is not there, or of /proc.
func (r Rule) checkGranted(p paths, look Lookup) error {
	if err := r.checkProc(p.real); err != nil {
		return err
	}
	if look == nil {
		return nil
	}
	if p.written.literal == "" {
		directory, err := look.exists(p.written.static)
		if err == nil && !directory {
			err = fmt.Errorf("%s is a file; write its path without a pattern behind it", p.written.static)
		}
		return err
	}
	if r.Kinds&namingKinds != 0 || r.Write {
		// The file may be still to be made.
		parent := path.Dir(p.written.literal)
		directory, err := look.exists(parent)
		if err == nil && !directory {
			err = fmt.Errorf("%s is a file, so that nothing can be made below it", parent)
		}
		return err
	}
	_, err := look.exists(p.written.literal)
	return err
}

// checkProc: a grant in /proc would show the supervisor's view of itself and
// of every process. Single files that speak of the machine may be named.
func (r Rule) checkProc(p pathPattern) error {
	at := p.static
	if p.literal != "" {
		at = p.literal
	}
	rest, ok := within(at, "/proc")
	if !ok {
		return nil
	}
	if p.literal == "" || rest == "" || strings.Contains(rest, "/") {
		return fmt.Errorf("%s shows processes of the host; only single files directly in /proc can be granted, for example /proc/cpuinfo", at)
	}
	if r.Write || r.Kinds&namingKinds != 0 {
		return fmt.Errorf("%s changes the host's kernel; /proc can be granted for reading only", at)
	}
	if strings.Trim(rest, "0123456789") == "" || rest == "self" || rest == "thread-self" {
		return fmt.Errorf("%s is a process of the host", at)
	}
	return nil
}

// pathRules gives the rules of --read and --write: path is a file, or a
// directory with all below it. look says which; where it says nothing a
// directory is granted, for reading, or a file that may be still to be made.
func pathRules(flag, name string, write bool, look Lookup) (Rule, error) {
	r := Rule{
		Kinds: readingKinds, Target: EscapePattern(name), Write: write,
		Effect: Allow, Origin: "--" + flag + " " + name,
	}
	if write {
		r.Kinds |= namingKinds
	}
	tree := strings.TrimSuffix(r.Target, "/") + "/**"
	if look == nil {
		r.Target = tree
		return r, nil
	}
	_, directory, err := look(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && write:
	case errors.Is(err, fs.ErrNotExist):
		return r, fmt.Errorf("%s does not exist", name)
	case err != nil:
		return r, fmt.Errorf("look at %s: %w", name, err)
	case directory:
		r.Target = tree
	}
	return r, nil
}
