package syscallpolicy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// glob matches one name: * stands for any characters, ? for one, [...] for
// one of a set, and \ takes the meaning from the next character.
//
// Literal text is compared by bytes. A character is what UTF-8 says, and a
// byte that is none counts as a character of its own that no set names: an
// invalid name equals nothing but itself.
type glob struct{ tokens []token }

type token struct {
	text string // literal bytes, if not empty
	star bool
	set  *set // nil stands for any one character
}

type set struct {
	not    bool
	ranges [][2]rune
}

// special are the characters that patterns give a meaning to.
const special = `\*?[]{}`

// EscapePattern gives the pattern that matches text and nothing else.
func EscapePattern(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(special, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func compileGlob(text string) (glob, error) {
	var g glob
	var literal []byte
	flush := func() {
		if len(literal) > 0 {
			g.tokens = append(g.tokens, token{text: string(literal)})
			literal = nil
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '*', '?':
			flush()
			g.tokens = append(g.tokens, token{star: c == '*'})
		case '[':
			flush()
			s, n, err := compileSet(text[i:])
			if err != nil {
				return g, err
			}
			g.tokens = append(g.tokens, token{set: s})
			i += n - 1
		case ']', '{', '}':
			return g, fmt.Errorf(`%q: write \%c for the character itself (there are no alternatives in braces: write a rule for each)`, text, c)
		case '\\':
			if i++; i == len(text) || strings.IndexByte(special, text[i]) < 0 {
				return g, fmt.Errorf(`%q: \ stands before one of %s; write \\ for itself`, text, special)
			}
			literal = append(literal, text[i])
		default:
			literal = append(literal, c)
		}
	}
	flush()
	return g, nil
}

// compileSet reads a set at the beginning of text and gives its length.
func compileSet(text string) (*set, int, error) {
	bad := func(what string) (*set, int, error) {
		return nil, 0, fmt.Errorf(`%q: %s; write \[ for the character itself`, text, what)
	}
	s, i := &set{}, 1
	if i < len(text) && (text[i] == '^' || text[i] == '!') {
		s.not = true
		i++
	}
	next := func() (rune, bool) {
		if i < len(text) && text[i] == '\\' {
			i++
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		return r, n > 0 && (r != utf8.RuneError || n > 1)
	}
	for {
		if i >= len(text) {
			return bad("the set is not closed by ]")
		}
		if text[i] == ']' {
			break
		}
		low, ok := next()
		high := low
		if ok && i+1 < len(text) && text[i] == '-' && text[i+1] != ']' {
			i++
			high, ok = next()
		}
		if !ok || high < low {
			return bad("the set has an empty range or invalid text")
		}
		s.ranges = append(s.ranges, [2]rune{low, high})
	}
	if len(s.ranges) == 0 {
		return bad("the set is empty")
	}
	return s, i + 1, nil
}

// literal gives the only name that g matches, if there is just one.
func (g glob) literal() (string, bool) {
	switch {
	case len(g.tokens) == 0:
		return "", true
	case len(g.tokens) == 1 && g.tokens[0].text != "":
		return g.tokens[0].text, true
	}
	return "", false
}

// match compares with the last star as the only place to return to, so that
// it takes at most the product of both lengths.
func (g glob) match(name string) bool {
	i, back, from := 0, -1, ""
	for {
		if i < len(g.tokens) && g.tokens[i].star {
			i++
			back, from = i, name
			continue
		}
		if n := g.step(i, name); n > 0 {
			i, name = i+1, name[n:]
			continue
		}
		if i == len(g.tokens) && name == "" {
			return true
		}
		if back < 0 || from == "" {
			return false
		}
		_, n := utf8.DecodeRuneInString(from)
		from = from[n:]
		i, name = back, from
	}
}

// step gives how many bytes of name token i takes, 0 if none.
func (g glob) step(i int, name string) int {
	if i == len(g.tokens) || name == "" {
		return 0
	}
	t := g.tokens[i]
	if t.text != "" {
		if strings.HasPrefix(name, t.text) {
			return len(t.text)
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(name)
	if t.set != nil && !t.set.has(r, r == utf8.RuneError && n == 1) {
		return 0
	}
	return n
}

func (s *set) has(r rune, stray bool) bool {
	for _, bounds := range s.ranges {
		if !stray && bounds[0] <= r && r <= bounds[1] {
			return !s.not
		}
	}
	return s.not
}
