package syscallpolicy

import (
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPathPattern(t *testing.T) {
	tests := []struct {
		pattern, target string
		want            bool
	}{
		{"/srv/data", "/srv/data", true},
		{"/srv/data", "/srv/data/x", false},
		{"/srv/data", "/srv/dat", false},
		{"/srv/data/**", "/srv/data", true},
		{"/srv/data/**", "/srv/data/a/b/c", true},
		{"/srv/data/**", "/srv/database", false},
		{"/srv/data/**", "/srv", false},
		{"/**", "/", true},
		{"/**", "/a/b", true},
		{"/", "/", true},
		{"/", "/a", false},
		{"/*", "/a", true},
		{"/*", "/", false},
		{"/*", "/.hidden", true},
		{"/*", "/a/b", false},
		{"/a/**/b", "/a/b", true},
		{"/a/**/b", "/a/x/y/b", true},
		{"/a/**/b", "/a/x/y/b/c", false},
		{"/a/**/**/b", "/a/b", true},
		{"/a/**/x/**/b", "/a/x/x/b", true},
		{"/a/**/x/y", "/a/x/x/y", true},
		{"/a/*/b", "/a/x/b", true},
		{"/a/*/b", "/a/x/y/b", false},
		{"/a/*.csv", "/a/x.csv", true},
		{"/a/*.csv", "/a/.csv", true},
		{"/a/*.csv", "/a/x.CSV", false},
		{"/a/x?z", "/a/xyz", true},
		{"/a/x?z", "/a/xz", false},
		{"/a/x?z", "/a/xäz", true},
		{"/a/x?z", "/a/x\xffz", true},
		{"/a/x?z", "/a/x/z", false},
		{"/a/[a-c]", "/a/b", true},
		{"/a/[a-c]", "/a/d", false},
		{"/a/[^a-c]", "/a/d", true},
		{"/a/[!a-c]", "/a/b", false},
		{"/a/[ä-ö]", "/a/é", true},
		{"/a/[a-]", "/a/-", true},
		{`/a/[\]]`, "/a/]", true},
		{`/a/[\^]`, "/a/^", true},
		{"/a/[\ufffd]", "/a/\xff", false},
		{"/a/\ufffd", "/a/\xff", false},
		{"/a/\xff", "/a/\xff", true},
		{"/a/\xff*", "/a/\ufffd", false},
		{"/a/ä", "/a/a\u0308", false},
		{`/a/\*`, "/a/*", true},
		{`/a/\*`, "/a/b", false},
		{`/a/\[x\]`, "/a/[x]", true},
		{`/a/\\`, `/a/\`, true},
		{`/a/\{b,c\}`, "/a/{b,c}", true},
		{"/a/*\n", "/a/b\n", true},
	}
	for _, tt := range tests {
		p, err := compilePath(tt.pattern)
		if err != nil {
			t.Errorf("compilePath(%q) = %v; want none", tt.pattern, err)
			continue
		}
		if got := p.match(tt.target, false); got != tt.want {
			t.Errorf("%q.match(%q) = %v; want %v", tt.pattern, tt.target, got, tt.want)
		}
	}
}

func TestPathPatternBelow(t *testing.T) {
	for target, want := range map[string]bool{"/a": false, "/a/b": true, "/a/b/c": true} {
		p, err := compilePath("/a/**")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.match(target, true); got != want {
			t.Errorf("match(%q) below = %v; want %v", target, got, want)
		}
	}
}

func TestPathPatternStatic(t *testing.T) {
	tests := []struct{ pattern, static, literal string }{
		{"/srv/data/**", "/srv/data", ""},
		{"/srv/x.csv", "/srv", "/srv/x.csv"},
		{"/x", "/", "/x"},
		{"/", "/", "/"},
		{"/**", "/", ""},
		{"/srv/*/x", "/srv", ""},
		{`/srv/\*/x?`, "/srv/*", ""},
	}
	for _, tt := range tests {
		p, err := compilePath(tt.pattern)
		if err != nil || p.static != tt.static || p.literal != tt.literal {
			t.Errorf("compilePath(%q) = %q, %q, %v; want %q, %q", tt.pattern, p.static, p.literal, err, tt.static, tt.literal)
		}
	}
}

// TestHostileTargets: what is slow for a matcher that tries every way is not.
func TestHostileTargets(t *testing.T) {
	patterns := []string{
		"/" + strings.Repeat("**/a/", 40) + "b", "/" + strings.Repeat("*a", 200) + "b",
		"/" + strings.Repeat("**/*a*a*a*/", 20) + "b", "/" + strings.Repeat("[^b]*", 100) + "b",
	}
	targets := []string{
		"/" + strings.Repeat("a/", 2000) + "a", "/" + strings.Repeat("a", 4000), "/" + strings.Repeat("aaaaaaaaaaaaaaa/", 200) + "a",
	}
	start := time.Now()
	for _, pattern := range patterns {
		p, err := compilePath(pattern)
		if err != nil {
			t.Fatalf("compilePath(%.20q...) = %v", pattern, err)
		}
		for _, target := range targets {
			if p.match(target, false) {
				t.Errorf("%.20q...match(%.20q...) = true; want false", pattern, target)
			}
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("12 matches took %v; want far less", d)
	}
}

// bruteForce tries every way.
func bruteForce(parts []part, names []string) bool {
	if len(parts) == 0 {
		return len(names) == 0
	}
	if parts[0].deep {
		return bruteForce(parts[1:], names) || len(names) > 0 && bruteForce(parts, names[1:])
	}
	return len(names) > 0 && bruteForceName(parts[0].glob.tokens, names[0]) && bruteForce(parts[1:], names[1:])
}

func bruteForceName(tokens []token, name string) bool {
	if len(tokens) == 0 {
		return name == ""
	}
	t := tokens[0]
	_, n := utf8.DecodeRuneInString(name)
	switch {
	case t.star:
		return bruteForceName(tokens[1:], name) || n > 0 && bruteForceName(tokens, name[n:])
	case t.text != "":
		rest, ok := strings.CutPrefix(name, t.text)
		return ok && bruteForceName(tokens[1:], rest)
	case n == 0:
		return false
	case t.set != nil:
		r := []rune(name[:n])[0]
		in := false
		for _, bounds := range t.set.ranges {
			in = in || bounds[0] <= r && r <= bounds[1] && utf8.ValidString(name[:n])
		}
		if in == t.set.not {
			return false
		}
	}
	return bruteForceName(tokens[1:], name[n:])
}

// FuzzPattern compares with the way that tries everything, on a small
// alphabet so that there is something to match.
func FuzzPattern(f *testing.F) {
	f.Add("/a/**/b", "/a/a/b")
	f.Add("/*a*/**/[ab]?/**", "/aba/b/ab")
	f.Add("/**/a/*/**/b", "/a/a/b/a/b")
	f.Add("/a\xffb/?", "/a\xffb/\xff")
	f.Fuzz(func(t *testing.T, pattern, target string) {
		if len(pattern) > 30 || len(target) > 40 {
			return
		}
		p, err := compilePath(pattern)
		if err != nil || !cleanPath(target) {
			return
		}
		whole := p.parts
		if p.literal != "" {
			whole = nil
		}
		rest, ok := within(target, p.static)
		var names []string
		if rest != "" {
			names = strings.Split(rest, "/")
		}
		want := ok && bruteForce(whole, names)
		if p.literal != "" {
			want = target == p.literal
		}
		if got := p.match(target, false); got != want {
			t.Errorf("%q.match(%q) = %v; want %v", pattern, target, got, want)
		}
		if p.match(target, true) && !p.match(target, false) {
			t.Errorf("%q.match(%q) holds below only", pattern, target)
		}
		// The static part is what the supervisor opens: nothing outside may match.
		if p.match(target, false) && !ok {
			t.Errorf("%q matches %q outside %q", pattern, target, p.static)
		}
	})
}

// FuzzEscape: an escaped path matches itself and nothing else.
func FuzzEscape(f *testing.F) {
	f.Add("/a/*", "/a/b")
	f.Add(`/a/\*[x]{y}`, `/a/\*x{y}`)
	f.Add("/\xff**", "/\ufffd")
	f.Fuzz(func(t *testing.T, name, other string) {
		if !cleanPath(name) || !cleanPath(other) {
			return
		}
		text := EscapePattern(name)
		if len(text) > maxPattern {
			return
		}
		p, err := compilePath(text)
		if err != nil || p.literal != name {
			t.Fatalf("compilePath(EscapePattern(%q)) = %q, %v; want itself", name, p.literal, err)
		}
		if p.match(other, false) != (name == other) {
			t.Errorf("EscapePattern(%q).match(%q) = %v", name, other, name != other)
		}
		tree, err := compilePath(strings.TrimSuffix(text, "/") + "/**")
		if err == nil && !tree.match(path.Join(name, "x"), true) {
			t.Errorf("EscapePattern(%q)/** does not match what is below", name)
		}
	})
}
