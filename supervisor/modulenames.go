package supervisor

import (
	"maps"
	"slices"
	"strings"
)

// Bounds of what one model may have the template look for: more is no model's
// use of a package.
const (
	maxParts     = 400
	maxPartBytes = 16 << 10
	maxChain     = 6   // words with dots between them
	maxNames     = 1e4 // different ones in all sources
	maxMeanings  = 8   // of one name
	maxWord      = 128 // bytes
)

// parts gives the dotted names below the packages in which sources could mean
// a submodule: "scipy.stats" for "from scipy import stats", for
// "sp.stats.norm" after "import scipy as sp", and for "scipy.stats" anywhere
// else. Packages such as scipy load these when they are first used, and that
// is too late in a sandbox.
//
// It reads source text, which is hostile, and it is no parser: it may find too
// much, which the template tries and forgets, or too little, which makes an
// ImportError that names the flag.
func parts(files []SourceFile, packages []string) []string {
	names := sourceNames{meanings: map[string][]string{}, chains: map[string]bool{}}
	for _, f := range files {
		names.read(&words{text: f.Source})
	}
	found := map[string]bool{}
	for chain := range names.chains {
		head, rest, _ := strings.Cut(chain, ".")
		for _, meaning := range append(names.meanings[head], head) {
			addParts(found, strings.TrimSuffix(meaning+"."+rest, "."), packages)
		}
	}
	// A parent comes before its children, who are tried only if it is there.
	return bounded(slices.Sorted(maps.Keys(found)))
}

// addParts adds a name and those above it that lie below one of the packages.
func addParts(found map[string]bool, name string, packages []string) {
	for strings.Contains(name, ".") {
		below := func(p string) bool { return strings.HasPrefix(name, p+".") }
		if slices.ContainsFunc(packages, below) && !slices.Contains(packages, name) && !slices.ContainsFunc(strings.Split(name, "."), acts) {
			found[name] = true
		}
		name = name[:strings.LastIndexByte(name, '.')]
	}
}

// acts tells modules that do something when they are imported: programs and
// tests. The text could ask for them, and the template has no filter yet.
func acts(part string) bool {
	return strings.HasPrefix(part, "__") || part == "tests" || part == "conftest" || part == "setup"
}

func bounded(names []string) []string {
	size := 0
	for i, name := range names {
		if size += len(name); i == maxParts || size > maxPartBytes {
			return names[:i]
		}
	}
	return names
}

// sourceNames are the dotted names in sources, and what import statements say
// that a name stands for.
type sourceNames struct {
	meanings map[string][]string
	chains   map[string]bool
}

func (n *sourceNames) read(w *words) {
	for w.next(); w.word != ""; {
		switch {
		case w.word == "from":
			w.next()
			n.readFrom(w)
		case w.word == "import":
			w.next()
			n.readImport(w)
		case isWord(w.word[0]):
			n.add(w.dotted())
		default:
			w.next()
		}
	}
}

// readFrom reads "PACKAGE import NAME as OTHER, ...", behind "from".
func (n *sourceNames) readFrom(w *words) {
	// "from .sibling import" names a module of the model's own.
	relative := w.word == "."
	for w.word == "." {
		w.next()
	}
	module := w.dotted()
	if !relative {
		n.add(module)
	}
	if w.word != "import" || module == "" && !relative {
		return
	}
	w.next()
	w.list = w.word == "("
	if w.list {
		w.next()
	}
	for w.word != "" && isWord(w.word[0]) {
		name, alias := n.readAlias(w, w.dotted())
		if !relative {
			n.add(module + "." + name)
			n.mean(alias, module+"."+name)
		}
		if w.word != "," {
			break
		}
		w.next()
	}
	w.list = false
}

// readImport reads "PACKAGE as NAME, ...", behind "import".
func (n *sourceNames) readImport(w *words) {
	for w.word != "" && isWord(w.word[0]) {
		name, alias := n.readAlias(w, w.dotted())
		n.add(name)
		if alias != name {
			n.mean(alias, name)
		}
		if w.word != "," {
			return
		}
		w.next()
	}
}

// readAlias reads "as OTHER", if that is next.
func (n *sourceNames) readAlias(w *words, name string) (string, string) {
	if w.word != "as" {
		return name, name
	}
	w.next()
	return name, w.dotted()
}

func (n *sourceNames) add(name string) {
	if strings.Contains(name, ".") && len(n.chains) < maxNames {
		n.chains[name] = true
	}
}

func (n *sourceNames) mean(alias, name string) {
	if len(n.meanings) < maxNames && len(n.meanings[alias]) < maxMeanings && !slices.Contains(n.meanings[alias], name) {
		n.meanings[alias] = append(n.meanings[alias], name)
	}
}

// words cuts source text into identifiers, line ends and single characters.
// Strings and comments are text like any other: names stand in both.
type words struct {
	text []byte
	at   int
	word string // the current one; "" at the end
	list bool   // inside the parentheses of an import: lines do not end there
}

func (w *words) next() {
	for w.at < len(w.text) {
		start := w.at
		c := w.text[w.at]
		w.at++
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\n' && w.list:
		case c == '\\' && w.at < len(w.text) && (w.text[w.at] == '\n' || w.text[w.at] == '\r'):
			w.at++
		case c == '#' && w.list:
			for w.at < len(w.text) && w.text[w.at] != '\n' {
				w.at++
			}
		case isWord(c):
			for w.at < len(w.text) && isWord(w.text[w.at]) {
				w.at++
			}
			w.word = string(w.text[start:min(w.at, start+maxWord)])
			return
		default:
			w.word = string(w.text[start:w.at])
			return
		}
	}
	w.word = ""
}

// dotted reads "a.b.c", "" where no name stands. What is not ASCII is no
// module's name, and what is too long is cut.
func (w *words) dotted() string {
	var chain []string
	for w.word != "" && isWord(w.word[0]) {
		chain = append(chain, w.word)
		w.next()
		if w.word != "." {
			break
		}
		w.next()
	}
	chain = chain[:min(len(chain), maxChain)]
	for i, word := range chain {
		if strings.ContainsFunc(word, func(r rune) bool { return r >= 0x80 }) {
			chain = chain[:i]
			break
		}
	}
	return strings.Join(chain, ".")
}
