package vm

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// candidate is a file that may be an interpreter.
type candidate struct {
	path   string
	onPath bool
}

func (c candidate) place() string {
	if c.onPath {
		return "on the PATH"
	}
	return "in " + filepath.Dir(c.path) + ", which is not on the PATH"
}

// Names in the order of preference: all of the PATH is searched for one name
// before the next. Else a version manager's directory, which holds a script
// for every version it has, would cost a failing probe for each of them
// before the system's python3 comes.
var (
	cpythonNames = append([]string{"python3", "python"}, versions("python3")...)
	pypyNames    = append([]string{"pypy3", "pypy"}, versions("pypy3")...)
)

// versions are names with a minor version, the newest first. The list begins
// with versions years in the future: asking for names is cheaper than reading
// directories with thousands of files.
func versions(prefix string) []string {
	var names []string
	for minor := 20; minor >= oldest.Minor; minor-- {
		names = append(names, fmt.Sprintf("%s.%d", prefix, minor))
	}
	return names
}

// usualPlaces are searched after the PATH, which a service may lack.
var usualPlaces = []string{"/usr/local/bin", "/usr/bin"}

// candidates gives the existing files of these names, each but once: /bin may
// be a link to /usr/bin and python3 one to python3.11.
func (o Options) candidates(names []string) iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		seen, places := map[string]bool{}, o.places()
		for _, name := range names {
			for _, c := range places {
				c.path = filepath.Join(c.path, name)
				if runnable(c.path) != nil {
					continue
				}
				place := settle(c.path)
				if seen[place] {
					continue
				}
				seen[place] = true
				if !yield(c) {
					return
				}
			}
		}
	}
}

// places are the directories to search. A relative one on the PATH is passed
// over: it would run whatever lies beside an untrusted model.
func (o Options) places() []candidate {
	var places []candidate
	for _, dir := range filepath.SplitList(o.lookup("PATH")) {
		if filepath.IsAbs(dir) {
			places = append(places, candidate{path: filepath.Clean(dir), onPath: true})
		}
	}
	for _, dir := range usualPlaces {
		if !slices.Contains(places, candidate{path: dir, onPath: true}) {
			places = append(places, candidate{path: dir})
		}
	}
	return places
}

// settle follows links to the directory, and of the file as long as they stay
// in that directory: a venv's python3 is a link to the system's and yet
// another interpreter.
func settle(path string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return path
	}
	name := filepath.Base(path)
	for range maxLinks {
		target, err := os.Readlink(filepath.Join(dir, name))
		if err != nil || strings.Contains(target, "/") {
			break
		}
		name = target
	}
	return filepath.Join(dir, name)
}
