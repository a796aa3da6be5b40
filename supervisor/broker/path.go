package broker

import (
	"bytes"

	"golang.org/x/sys/unix"
)

const (
	maxPath  = 4096 // PATH_MAX, with the NUL
	pageSize = 4096 // the smallest there is: a step that stays in one stays in any
)

// firstRead is what is read of a path at first: most are shorter.
const firstRead = 256

// readPath copies a path out of the sandbox into buf, each byte once, never
// across a page before it is needed: the page behind a short path need not
// be mapped.
func readPath(c Caller, address uint64, buf *[maxPath]byte) ([]byte, unix.Errno) {
	for got, step := 0, firstRead; got < maxPath; step = pageSize {
		n := min(step, pageSize-int(address%pageSize), maxPath-got)
		chunk := buf[got : got+n]
		if err := c.Read(address, chunk); err != nil {
			return nil, unix.EFAULT
		}
		if end := bytes.IndexByte(chunk, 0); end >= 0 {
			return buf[:got+end], 0
		}
		got += n
		address += uint64(n)
	}
	return nil, unix.ENAMETOOLONG
}

// ending is the last part of a path's text, which the kernel's calls on names
// treat apart.
type ending uint8

const (
	endsInName   ending = iota
	endsInDot           // "x/." or "."
	endsInDotDot        // "x/.." or ".."
	endsInRoot          // only slashes
)

// lexical is what a path's text says without a look at any disk.
type lexical struct {
	path   []byte // absolute, without empty parts, "." and ".."
	end    ending
	folder bool // more than a name at the end: it must be a directory
	popped bool // a ".." took back a name of the text's own, perhaps a link
	least  int  // how short the path was on the way: what it never left
}

// lexically reads a text that is relative to base, an absolute clean path.
// It appends the path to into.
func lexically(into []byte, base string, text []byte) lexical {
	l := lexical{path: into, end: endsInRoot}
	if len(text) == 0 || text[0] != '/' {
		l.path = append(l.path, base...)
		l.end = endsInDot
		if base == "/" {
			l.path = l.path[:0]
		}
	}
	// Names up to here are the base's: real directories, so that their ".."
	// is the path before them.
	floor := len(l.path)
	l.least = floor
	for rest := text; len(rest) > 0; {
		var name []byte
		name, rest = nextName(rest)
		switch {
		case len(name) == 0:
			continue
		case string(name) == ".":
			l.end = endsInDot
		case string(name) == "..":
			l.end = endsInDotDot
			l.popped = l.popped || len(l.path) > floor
			l.path = l.path[:max(0, bytes.LastIndexByte(l.path, '/'))]
			floor = min(floor, len(l.path))
			l.least = min(l.least, len(l.path))
		default:
			l.end = endsInName
			l.path = append(append(l.path, '/'), name...)
		}
	}
	l.folder = l.end != endsInName || len(text) > 0 && text[len(text)-1] == '/'
	if len(l.path) == 0 {
		l.path = append(l.path, '/')
	}
	return l
}

// nextName splits the first name off a text. Slashes before it make empty
// names, which say nothing.
func nextName(text []byte) (name, rest []byte) {
	if i := bytes.IndexByte(text, '/'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, nil
}

// splitLast splits a clean path into its parent and its last name, which is
// empty for "/".
func splitLast(path string) (parent, name string) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:max(i, 1)], path[i+1:]
		}
	}
	return "/", path
}

// below gives the rest of a clean path under a clean root: "" for the root
// itself.
func below(path, root string) (rest string, ok bool) {
	if root == "/" {
		return path[1:], true
	}
	if len(path) < len(root) || path[:len(root)] != root {
		return "", false
	}
	if len(path) == len(root) {
		return "", true
	}
	return path[len(root)+1:], path[len(root)] == '/'
}

// above reports whether a directory lies on the way to a path: an ancestor,
// not the path itself.
func above(folder, path string) bool {
	rest, ok := below(path, folder)
	return ok && rest != ""
}
