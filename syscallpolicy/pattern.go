package syscallpolicy

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Bounds of what is matched. A path beyond what the kernel takes is no path.
const (
	maxPattern = 4 << 10
	maxTarget  = 4 << 10
)

// pathPattern is a compiled pattern for paths: "**" as a whole component
// stands for any number of components, in the others *, ? and [...] stand for
// characters of one. It lives in the supervisor (parent) and meets paths of
// the model's choosing.
//
// It is written here and not taken from doublestar, which compares runes: a
// stray byte of a hostile path would count as U+FFFD, and its alternatives in
// braces cost exponential time. This one compares bytes, and a match takes at
// most the product of both lengths.
type pathPattern struct {
	static  string // the directory up to the first component with a character that stands for others
	literal string // the only path it matches; empty if there are several
	parts   []part // what follows static, or the last component of literal
	tree    bool   // it ends in "**"
}

// part matches one component, or any number of them.
type part struct {
	deep bool
	glob glob
}

// compilePath reads a pattern. The error says what to write instead.
func compilePath(text string) (pathPattern, error) {
	var p pathPattern
	if err := checkPathText(text); err != nil {
		return p, err
	}
	var names []string
	plain := true
	for component := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		next, err := compilePart(component)
		if err != nil {
			return p, err
		}
		if name, ok := next.glob.literal(); ok && !next.deep && plain {
			names = append(names, name)
			continue
		}
		plain = false
		if next.deep && p.tree {
			continue // a second ** in a row says nothing more
		}
		p.parts = append(p.parts, next)
		p.tree = next.deep
	}
	if plain {
		p.literal = "/" + strings.Join(names, "/")
		p.static = path.Dir(p.literal)
		return p, nil
	}
	p.static = "/" + strings.Join(names, "/")
	return p, nil
}

func checkPathText(text string) error {
	switch {
	case text == "":
		return errors.New(`the path is empty; "/**" stands for every path`)
	case len(text) > maxPattern:
		return fmt.Errorf("the path has %d bytes; at most %d fit", len(text), maxPattern)
	case strings.ContainsRune(text, 0):
		return errors.New("a path has no NUL byte")
	case text[0] != '/':
		return fmt.Errorf("the path %q is relative; write it from the root, as in /srv/data", text)
	case path.Clean(text) != text && strings.HasSuffix(text, "/"):
		return fmt.Errorf("the path %q ends in a slash; write %q, or %q for all below it", text, path.Clean(text), path.Clean(text)+"/**")
	case path.Clean(text) != text:
		return fmt.Errorf("the path %q is not in its shortest form; write %q", text, path.Clean(text))
	}
	return nil
}

func compilePart(text string) (part, error) {
	if text == "**" {
		return part{deep: true}, nil
	}
	if strings.Contains(text, "**") {
		return part{}, fmt.Errorf("%q: ** stands alone between slashes; * is for characters within a name", text)
	}
	g, err := compileGlob(text)
	return part{glob: g}, err
}

// match tells whether target, a clean absolute path, is meant. "/a/**" means
// /a itself too; below asks for what lies below it only.
func (p pathPattern) match(target string, below bool) bool {
	if p.literal != "" {
		return target == p.literal
	}
	rest, ok := within(target, p.static)
	if !ok {
		return false
	}
	return matchParts(p.parts, rest, below && p.tree)
}

// within gives what target adds to directory: "" for itself.
func within(target, directory string) (rest string, ok bool) {
	if directory == "/" {
		return strings.TrimPrefix(target, "/"), strings.HasPrefix(target, "/")
	}
	rest, ok = strings.CutPrefix(target, directory)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.TrimPrefix(rest, "/"), true
}

// matchParts compares component by component. As for a single star, the last
// ** that was passed is the only one worth returning to: what an earlier one
// could take up, the last one can too. The rest is the components joined by
// slashes; more says that a ** at the end must stand for at least one.
func matchParts(parts []part, rest string, more bool) bool {
	i, back, from := 0, -1, ""
	for rest != "" {
		switch name, after, _ := strings.Cut(rest, "/"); {
		case i < len(parts) && parts[i].deep:
			if i++; i == len(parts) {
				return true
			}
			back, from = i, rest
		case i < len(parts) && parts[i].glob.match(name):
			i, rest = i+1, after
		case back >= 0:
			_, from, _ = strings.Cut(from, "/")
			i, rest = back, from
		default:
			return false
		}
	}
	if i == len(parts)-1 && parts[i].deep {
		return !more
	}
	return i == len(parts)
}

// clean tells whether a target is a path that a rule can be asked about.
func cleanPath(target string) bool {
	return len(target) <= maxTarget && strings.HasPrefix(target, "/") && !strings.ContainsRune(target, 0) && path.Clean(target) == target
}
