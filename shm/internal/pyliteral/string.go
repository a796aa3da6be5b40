package pyliteral

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quoted reads a string up to the quote it began with.
func (p *parser) quoted(quote byte) (Node, error) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); {
		c := p.text[p.at]
		p.at++
		switch c {
		case quote:
			return Node{Kind: String, Str: b.String()}, nil
		case '\n', '\r':
			return Node{}, errors.New("a line ends within a string")
		case '\\':
			r, err := p.escape()
			if err != nil {
				return Node{}, err
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
	return Node{}, errors.New("a string without its end")
}

// escape reads what may follow a backslash in Python's repr, nothing else.
func (p *parser) escape() (rune, error) {
	if p.at == len(p.text) {
		return 0, errors.New("a string without its end")
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '\\', '\'', '"':
		return rune(c), nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'x':
		return p.codePoint(2)
	case 'u':
		return p.codePoint(4)
	case 'U':
		return p.codePoint(8)
	}
	return 0, errors.New("an unknown escape in a string")
}

// codePoint refuses halves of surrogate pairs: a Python string can hold one,
// UTF-8 cannot.
func (p *parser) codePoint(digits int) (rune, error) {
	if len(p.text)-p.at < digits {
		return 0, errors.New("an escape without all its digits")
	}
	v, err := strconv.ParseUint(p.text[p.at:p.at+digits], 16, 32)
	if err != nil || v > unicode.MaxRune || !utf8.ValidRune(rune(v)) {
		return 0, errors.New("an escape that is no code point")
	}
	p.at += digits
	return rune(v), nil
}

// Quote gives Python's repr of s, which must be UTF-8: one printable line.
// Go and Python may know Unicode tables of different age; then the two
// differ in whether a character added between them is escaped.
func Quote(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b := append(make([]byte, 0, len(s)+2), byte(quote))
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xff:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r <= 0xffff:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return string(append(b, byte(quote)))
}

// Shape gives Python's repr of a tuple of integers, as "()" and "(3,)".
func Shape(shape []int64) string {
	b := []byte{'('}
	for i, n := range shape {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, n, 10)
	}
	if len(shape) == 1 {
		b = append(b, ',')
	}
	return string(append(b, ')'))
}
