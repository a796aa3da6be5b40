// Package pyliteral reads and writes the few Python literals that describe
// arrays: strings, integers, truth values, lists, tuples and dicts. It lives
// in the trusted processes and reads text of unknown origin, so nothing is
// evaluated: there are no names, operators, comments, prefixes or adjacent
// strings, and nesting is bounded. Memory grows with the length of the text
// only, which callers bound.
package pyliteral

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what a Node is.
type Kind uint8

// The kinds of literals.
const (
	String Kind = iota + 1
	Int
	Bool
	Tuple
	List
	Dict
)

// Node is one literal.
type Node struct {
	Kind  Kind
	Text  string // as it stands in the source
	Str   string // of a String
	Int   int64  // of an Int
	Bool  bool   // of a Bool
	Items []Node // of a Tuple or List; of a Dict keys and values in turn
}

// maxDepth bounds recursion; a described array needs about twenty levels.
const maxDepth = 32

// Parse reads text, which must be one literal between blanks. Its errors
// give a place in the text and never quote it.
func Parse(text string) (Node, error) {
	if !utf8.ValidString(text) {
		return Node{}, errors.New("text that is not UTF-8")
	}
	p := parser{text: text}
	n, err := p.value(0)
	if err == nil && p.blanks() < len(text) {
		err = errors.New("more text behind the end")
	}
	if err != nil {
		return Node{}, fmt.Errorf("byte %d: %w", p.at, err)
	}
	return n, nil
}

type parser struct {
	text string
	at   int
}

// blanks skips them and gives the place of what follows.
func (p *parser) blanks() int {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	return p.at
}

// accept takes c, after blanks, if it is next.
func (p *parser) accept(c byte) bool {
	if p.blanks() < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) value(depth int) (Node, error) {
	if depth == maxDepth {
		return Node{}, fmt.Errorf("brackets deeper than %d", maxDepth)
	}
	start := p.blanks()
	if start == len(p.text) {
		return Node{}, errors.New("the text ends early")
	}
	var n Node
	var err error
	switch c := p.text[start]; {
	case c == '\'' || c == '"':
		n, err = p.quoted(c)
	case c == '-' || '0' <= c && c <= '9':
		n, err = p.integer()
	case c == '(':
		n, err = p.tuple(depth)
	case c == '[':
		n = Node{Kind: List}
		n.Items, _, err = p.items(']', depth)
	case c == '{':
		n, err = p.dict(depth)
	default:
		n, err = p.truth()
	}
	n.Text = p.text[start:p.at]
	return n, err
}

func (p *parser) truth() (Node, error) {
	for word, value := range map[string]bool{"True": true, "False": false} {
		if strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			return Node{Kind: Bool, Bool: value}, nil
		}
	}
	return Node{}, errors.New("no string, integer, True, False, list, tuple or dict")
}

// integer reads decimal digits. The L of Python 2 is taken, because numpy
// takes it: shapes written on Windows back then have it.
func (p *parser) integer() (Node, error) {
	start := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	digits := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	if p.at-digits > 1 && p.text[digits] == '0' {
		return Node{}, errors.New("an integer that begins with 0")
	}
	v, err := strconv.ParseInt(p.text[start:p.at], 10, 64)
	if err != nil {
		return Node{}, errors.New("not an integer of 64 bits")
	}
	if p.at < len(p.text) && p.text[p.at] == 'L' {
		p.at++
	}
	return Node{Kind: Int, Int: v}, nil
}

// tuple wants the comma of a lone item: (3) is the number 3 to Python.
func (p *parser) tuple(depth int) (Node, error) {
	items, comma, err := p.items(')', depth)
	if err == nil && len(items) == 1 && !comma {
		err = errors.New("a tuple of one item needs a comma behind it")
	}
	return Node{Kind: Tuple, Items: items}, err
}

// items reads from the opening bracket to the closing one. comma tells that
// one stands before the end.
func (p *parser) items(end byte, depth int) (items []Node, comma bool, err error) {
	p.at++
	for comma = true; !p.accept(end); comma = p.accept(',') {
		if !comma {
			return nil, false, fmt.Errorf("no , or %c", end)
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, false, err
		}
		items = append(items, item)
	}
	return items, comma, nil
}

func (p *parser) dict(depth int) (Node, error) {
	n := Node{Kind: Dict}
	p.at++
	for comma := true; !p.accept('}'); comma = p.accept(',') {
		if !comma {
			return n, errors.New("no , or }")
		}
		key, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		if !p.accept(':') {
			return n, errors.New("no : behind a key")
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.Items = append(n.Items, key, value)
	}
	return n, nil
}
