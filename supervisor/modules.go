package supervisor

import (
	"bytes"
	"slices"
	"strings"
)

// preload chooses what the template imports before it forks: of the allowed
// modules those whose name stands anywhere in the sources. Nothing can be
// imported from a file after the lock-down, and importing all that is allowed
// would cost several times the interpreter's start. Whoever imports by
// computed names gets everything.
func preload(spec *Spec) []string {
	var names []string
	required := spec.Policy.Required()
	all := mentions(spec.Files, "__import__") || mentions(spec.Files, "importlib")
	for _, name := range spec.Policy.Modules() {
		top, _, _ := strings.Cut(name, ".")
		wanted := all || mentions(spec.Files, top) || slices.Contains(required, name)
		if name == "numpy" && spec.Arrays {
			wanted = true
		}
		if wanted && !(top == "numpy" && spec.Interpreter.Numpy == "") {
			names = append(append(names, name), lazy[name]...)
		}
	}
	return names
}

// lazy are modules that a module loads when it is first used.
var lazy = map[string][]string{
	"concurrent.futures": {"concurrent.futures.thread"},
	"datetime":           {"_strptime"},
	"time":               {"_strptime"},
	"socket":             {"encodings.idna"},
	"statistics":         {"random"},
	"tempfile":           {"random"},
	"uuid":               {"platform"},
	"_socket":            {"encodings.idna"},
	"zoneinfo":           {"zoneinfo._common", "zoneinfo._tzpath"},
}

func mentions(files []SourceFile, word string) bool {
	for _, f := range files {
		for rest := f.Source; ; {
			i := bytes.Index(rest, []byte(word))
			if i < 0 {
				break
			}
			end := i + len(word)
			if (i == 0 || !isWord(rest[i-1])) && (end == len(rest) || !isWord(rest[end])) {
				return true
			}
			rest = rest[end:]
		}
	}
	return false
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}
