package syscallpolicy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// tomlNode is a value of a policy file with the line it stands in. Tables are
// *tomlTable, arrays []*tomlNode, the rest is what go-toml makes of it.
type tomlNode struct {
	line  int
	value any
}

// tomlTable is a table of a policy file. Its methods may be called on nil, which
// is an empty one.
type tomlTable struct {
	line   int
	keys   []string // sorted
	values map[string]*tomlNode
}

func (t *tomlTable) get(key string) *tomlNode {
	if t == nil {
		return nil
	}
	return t.values[key]
}

func (t *tomlTable) lineOf(key string) int {
	if n := t.get(key); n != nil {
		return n.line
	}
	if t == nil {
		return 0
	}
	return t.line
}

// parseTOML reads a file into tables. The library's own decoder would tell
// unknown keys and types with their place, but neither what to write instead
// nor where a value stands that is wrong in what it says.
func parseTOML(file string, text []byte) (*tomlTable, error) {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		e := &FileError{File: file, Text: "not TOML: " + strings.TrimPrefix(err.Error(), "toml: ")}
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			e.Line, _ = at.Position()
		}
		return nil, e
	}
	lines, err := tomlLines(text)
	if err != nil {
		return nil, &FileError{File: file, Text: err.Error()}
	}
	return newNode(values, "", 1, lines).value.(*tomlTable), nil
}

// newNode joins a value with the lines of what is in it.
func newNode(v any, at string, line int, lines map[string]int) *tomlNode {
	if l, ok := lines[at]; ok {
		line = l
	}
	switch v := v.(type) {
	case map[string]any:
		t := &tomlTable{line: line, values: map[string]*tomlNode{}}
		for key, value := range v {
			t.keys = append(t.keys, key)
			t.values[key] = newNode(value, at+keyMark+key, line, lines)
		}
		slices.Sort(t.keys)
		return &tomlNode{line, t}
	case []any:
		var list []*tomlNode
		for i, value := range v {
			list = append(list, newNode(value, fmt.Sprint(at, keyMark, i), line, lines))
		}
		return &tomlNode{line, list}
	}
	return &tomlNode{line, v}
}

// known refuses keys that mean nothing, with the nearest one that does.
func (r *reader) known(t *tomlTable, where string, keys ...string) {
	if t == nil {
		return
	}
	for _, key := range t.keys {
		if slices.Contains(keys, key) {
			continue
		}
		mend := "it has " + strings.Join(keys, ", ")
		if near := Nearest(key, keys); near != "" {
			mend = fmt.Sprintf("did you mean %s?", near)
		}
		r.fail(t.values[key].line, "unknown key %q in %s; %s", key, where, mend)
	}
}

// Nearest gives the one of the words that a slip may have turned into word,
// "" if it is like none.
func Nearest(word string, words []string) string {
	best, least := "", 1+len(word)/3
	for _, w := range words {
		if d := editDistance(word, w); d <= least {
			best, least = w, d-1
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// table gives a table that may be missing.
func (r *reader) table(parent *tomlTable, key string) *tomlTable {
	n := parent.get(key)
	if n == nil {
		return nil
	}
	t, ok := n.value.(*tomlTable)
	if !ok {
		r.fail(n.line, "%s is a value; write it as a table, [%s]", key, key)
	}
	return t
}

// tables gives the elements of an array of tables.
func (r *reader) tables(parent *tomlTable, key string) []*tomlTable {
	n := parent.get(key)
	if n == nil {
		return nil
	}
	nodes, ok := n.value.([]*tomlNode)
	var list []*tomlTable
	for _, n := range nodes {
		t, isTable := n.value.(*tomlTable)
		ok = ok && isTable
		list = append(list, t)
	}
	if !ok {
		r.fail(n.line, "%s is not a list of tables; write each as [[%s]]", key, key)
		return nil
	}
	return list
}

func (r *reader) text(n *tomlNode, key string) string {
	s, ok := n.value.(string)
	if !ok {
		r.fail(n.line, "%s is no text; write it in quotes", key)
	}
	return s
}

func (r *reader) boolean(n *tomlNode, key string) bool {
	b, ok := n.value.(bool)
	if !ok {
		r.fail(n.line, "%s is neither true nor false", key)
	}
	return b
}

// texts gives the elements of a list of texts, or a lone text.
func (r *reader) texts(n *tomlNode, key, example string) []*tomlNode {
	if n == nil {
		return nil
	}
	list, ok := n.value.([]*tomlNode)
	if _, lone := n.value.(string); lone {
		return []*tomlNode{n}
	}
	for _, n := range list {
		if _, isText := n.value.(string); !isText {
			ok = false
		}
	}
	if !ok {
		r.fail(n.line, "%s is no list of texts; write it like %s", key, example)
		return nil
	}
	return list
}
