package supervisor

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"sync"

	"hotcell/syscallpolicy"
)

// preload chooses what the template imports before it forks: of the allowed
// modules those whose name stands anywhere in the sources, and, marked by a
// "?", what could be their submodules (parts). Nothing can be imported from a
// file after the lock-down, and importing all that is allowed would cost
// several times the interpreter's start. Whoever imports by computed names
// gets everything.
func preload(spec *Spec) []string { return choosePreload(spec, false) }

// preloadShared is the choice for a template that sources will share of which
// most are not known yet: all that the policy allows of the standard library
// comes in, once for all of them, and of other packages what this source names.
// It is longer than preload's and differs less from source to source.
//
// The choice is remembered: the same model is mostly launched again and again.
func (p *preloads) shared(spec *Spec) []string {
	key := preloadKeyOf(spec)
	p.mu.Lock()
	defer p.mu.Unlock()
	if names, ok := p.known[key]; ok {
		return names
	}
	if p.known == nil || len(p.known) >= maxPreloads {
		p.known = map[preloadKey][]string{}
	}
	names := choosePreload(spec, true)
	p.known[key] = names
	return names
}

// preloads are remembered choices. Nobody changes them.
type preloads struct {
	mu    sync.Mutex
	known map[preloadKey][]string
}

const maxPreloads = 256

// preloadKey is all that a choice depends on.
type preloadKey struct {
	sources           [sha256.Size]byte
	modules, required string
	numpy             bool
	arrays            bool
}

func preloadKeyOf(spec *Spec) preloadKey {
	h := sha256.New()
	var size [8]byte
	for _, f := range spec.Files {
		binary.LittleEndian.PutUint64(size[:], uint64(len(f.Source)))
		h.Write(size[:])
		h.Write(f.Source)
	}
	key := preloadKey{
		modules: strings.Join(spec.Policy.Modules(), " "), required: strings.Join(spec.Policy.Required(), " "),
		numpy: spec.Interpreter.Numpy != "", arrays: spec.Arrays,
	}
	h.Sum(key.sources[:0])
	return key
}

func choosePreload(spec *Spec, shared bool) []string {
	var names, packages []string
	required := spec.Policy.Required()
	all := mentions(spec.Files, "__import__") || mentions(spec.Files, "importlib")
	for _, name := range spec.Policy.Modules() {
		top, _, _ := strings.Cut(name, ".")
		wanted := all || shared && common()[name] || mentions(spec.Files, top) || slices.Contains(required, name)
		if name == "numpy" && spec.Arrays {
			wanted = true
		}
		if wanted && !(top == "numpy" && spec.Interpreter.Numpy == "") {
			packages = append(packages, name)
			names = append(append(names, name), lazy[name]...)
		}
	}
	if slices.Contains(packages, "numpy") && (shared || slices.ContainsFunc(archives, func(f string) bool { return mentions(spec.Files, f) })) {
		names = append(names, "zipfile")
	}
	for _, part := range parts(spec.Files, packages) {
		if !shared || !known(part) {
			names = append(names, part+"?")
		}
	}
	if shared {
		names = append(names, commonParts(packages)...)
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

// common are the modules of the standard library that the default preset allows.
var common = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for _, name := range syscallpolicy.ComputeModules() {
		set[name] = name != "numpy"
	}
	return set
})

// furtherParts are the parts of numpy and of common packages that are not loaded
// with them. A shared template imports them, and keeps what else numpy has in
// memory: what a source seems to name below these packages makes no difference.
var furtherParts = map[string][]string{
	"collections": {"abc"},
	"ctypes":      {"util"},
	"html":        {"entities", "parser"},
	"json":        {"decoder", "encoder", "scanner"},
	"numpy":       {"ctypeslib", "fft", "lib.recfunctions", "linalg", "ma", "matlib", "polynomial", "random", "rec", "testing"},
}

// known tells a name below a package that a shared template has anyway, but for
// the few parts that are worth importing only where they are named.
func known(part string) bool {
	switch part {
	case "concurrent.futures.process", "importlib.metadata", "importlib.resources", "json.tool", "logging.config", "logging.handlers":
		return false
	}
	for top := part; strings.Contains(top, "."); {
		top = top[:strings.LastIndexByte(top, '.')]
		if furtherParts[top] != nil || common()[top] {
			return true
		}
	}
	return false
}

func commonParts(packages []string) (names []string) {
	for _, name := range packages {
		for _, part := range furtherParts[name] {
			names = append(names, name+"."+part+"?")
		}
	}
	return names
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
