package supervisor

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// preload chooses what the template imports before it forks: of the allowed
// modules those whose name stands anywhere in the sources, and, marked by a
// "?", what could be their submodules (parts). Nothing can be imported from a
// file after the lock-down, and importing all that is allowed would cost
// several times the interpreter's start. Whoever imports by computed names
// gets everything.
func preload(spec *Spec) []string {
	var names, packages []string
	required := spec.Policy.Required()
	all := mentions(spec.Files, "__import__") || mentions(spec.Files, "importlib")
	for _, name := range spec.Policy.Modules() {
		top, _, _ := strings.Cut(name, ".")
		wanted := all || mentions(spec.Files, top) || slices.Contains(required, name)
		if name == "numpy" && spec.Arrays {
			wanted = true
		}
		if wanted && !(top == "numpy" && spec.Interpreter.Numpy == "") {
			packages = append(packages, name)
			names = append(append(names, name), lazy[name]...)
		}
	}
	if slices.Contains(packages, "numpy") && slices.ContainsFunc(archives, func(f string) bool { return mentions(spec.Files, f) }) {
		names = append(names, "zipfile")
	}
	for _, part := range parts(spec.Files, packages) {
		names = append(names, part+"?")
	}
	return append(names, codecs(spec.Files)...)
}

// lazy are modules that a module loads when it is first used.
var lazy = map[string][]string{
	"concurrent.futures": {"concurrent.futures.thread"},
	"pathlib":            {"urllib.parse"},
	"statistics":         {"random"},
	"tempfile":           {"random"},
	"time":               {"datetime"},
	"uuid":               {"hashlib", "platform", "random"},
	"zoneinfo":           {"importlib.resources", "zoneinfo._common", "zoneinfo._tzpath"},
}

// archives are the functions of numpy for .npz files, which import zipfile.
var archives = []string{"load", "savez", "savez_compressed"}

// codecs are the encodings whose tables are compiled code, for sources that
// name one: all others are kept in memory by the shim.
func codecs(files []SourceFile) []string {
	for _, f := range files {
		if compiledCodec.Match(f.Source) {
			return []string{
				"encodings.shift_jis", "encodings.gbk", "encodings.big5", "encodings.big5hkscs", "encodings.euc_kr",
				"encodings.iso2022_jp", "encodings.bz2_codec",
			}
		}
	}
	return nil
}

// compiledCodec is a quoted word that looks like one of their many names.
var compiledCodec = regexp.MustCompile(
	`(?i)["'][\w.:-]*(jis|euc|gb|big5|hz|iso[-_]?2022|johab|korean|chinese|ks[-_]?[cx]|uhc|936|949|950|932|bz2)[\w.:-]*["']`)

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
