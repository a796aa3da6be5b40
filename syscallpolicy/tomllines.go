package syscallpolicy

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/pelletier/go-toml/v2/unstable"
)

// keyMark parts the keys of the path to a value. A key that contains it is
// known to nobody, and its line is all that could get wrong.
const keyMark = "\x00"

// lineIndex finds the line of every value of a TOML document by its path.
type lineIndex struct {
	parser unstable.Parser
	text   []byte
	lines  map[string]int
	counts map[string]int // how many elements an array of tables has so far
	offset int            // up to where newlines are counted
	line   int
}

// tomlLines reads a document that go-toml took.
func tomlLines(text []byte) (map[string]int, error) {
	x := lineIndex{text: text, lines: map[string]int{}, counts: map[string]int{}, line: 1}
	x.parser.Reset(text)
	at := ""
	for x.parser.NextExpression() {
		switch e := x.parser.Expression(); e.Kind {
		case unstable.KeyValue:
			x.keyValue(at, e)
		case unstable.Table:
			at = x.header(e, false)
		case unstable.ArrayTable:
			at = x.header(e, true)
		}
	}
	if err := x.parser.Error(); err != nil {
		return nil, fmt.Errorf("find lines: %w", err)
	}
	return x.lines, nil
}

// header gives the path of a table, where arrays of tables stand for their
// last element.
func (x *lineIndex) header(e *unstable.Node, array bool) string {
	at, line := "", 0
	for keys := e.Key(); keys.Next(); {
		if line == 0 {
			line = x.lineAt(keys.Node())
		}
		at += keyMark + string(keys.Node().Data)
		if keys.IsLast() && array {
			x.note(at, line)
			x.counts[at]++
		}
		if n := x.counts[at]; n > 0 {
			at += keyMark + strconv.Itoa(n-1)
		}
	}
	x.lines[at] = line
	return at
}

func (x *lineIndex) keyValue(at string, e *unstable.Node) {
	line := 0
	for keys := e.Key(); keys.Next(); {
		if line == 0 {
			line = x.lineAt(keys.Node())
		}
		at += keyMark + string(keys.Node().Data)
		x.note(at, line)
	}
	x.value(at, line, e.Value())
}

// value notes what is inside of a value; line is where its key stands.
func (x *lineIndex) value(at string, line int, v *unstable.Node) {
	x.note(at, line)
	switch v.Kind {
	case unstable.Array:
		i := 0
		for items := v.Children(); items.Next(); i++ {
			n := items.Node()
			if n.Raw.Length > 0 && int(n.Raw.Offset) >= x.offset {
				line = x.lineAt(n)
			}
			x.value(at+keyMark+strconv.Itoa(i), line, n)
		}
	case unstable.InlineTable:
		for members := v.Children(); members.Next(); {
			if m := members.Node(); m.Kind == unstable.KeyValue {
				x.keyValue(at, m)
			}
		}
	}
}

func (x *lineIndex) note(at string, line int) {
	if _, ok := x.lines[at]; !ok {
		x.lines[at] = line
	}
}

// lineAt counts newlines as the document goes on, so that the whole takes
// linear time.
func (x *lineIndex) lineAt(n *unstable.Node) int {
	if at := int(n.Raw.Offset); at > x.offset && at <= len(x.text) {
		x.line += bytes.Count(x.text[x.offset:at], []byte("\n"))
		x.offset = at
	}
	return x.line
}
