package safetext

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, test := range []struct{ in, text, line string }{
		{"plain é 漢 🙂", "plain é 漢 🙂", "plain é 漢 🙂"},
		{"a\tb\n", "a\tb\n", `a\tb\n`},
		{"\x1b[2J\x1b]0;x\a", `\x1b[2J\x1b]0;x\x07`, `\x1b[2J\x1b]0;x\x07`},
		{"over\rwritten\b", `over\rwritten\x08`, `over\rwritten\x08`},
		{"\u009b31m\x7f", `\x9b31m\x7f`, `\x9b31m\x7f`},
		{"a\u202egnp.exe\u2066\u200b\ufeff", `a\u202egnp.exe\u2066\u200b\ufeff`, `a\u202egnp.exe\u2066\u200b\ufeff`},
		{"\u2028\u2029", `\u2028\u2029`, `\u2028\u2029`},
		{"bad\xff\xc3", "bad\ufffd\ufffd", "bad\ufffd\ufffd"},
		{"", "", ""},
	} {
		if got := Text(test.in); got != test.text {
			t.Errorf("Text(%q) = %q; want %q", test.in, got, test.text)
		}
		if got := Line(test.in); got != test.line {
			t.Errorf("Line(%q) = %q; want %q", test.in, got, test.line)
		}
	}
}

func TestJSON(t *testing.T) {
	in := map[string]string{"a\u202e": "\u009b\x1b[2J\x7f <é漢🙂>\u2028 \U000e0001"}
	encoded, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	data := JSON(encoded)
	var out map[string]string
	if err := json.Unmarshal(data, &out); err != nil || !maps.Equal(in, out) {
		t.Errorf("JSON(%s) = %s; want the same value (%v)", encoded, data, err)
	}
	if text := string(data); text != Text(text) {
		t.Errorf("JSON(%s) = %q; not fit for a terminal", encoded, text)
	}
}

// A stream cut anywhere reads as the whole does.
func TestWriterCuts(t *testing.T) {
	const in = "é漢🙂\x1b[31m\u202e\xff\xf0\x9fx\xe6"
	for cut := range len(in) {
		for second := cut; second < len(in); second++ {
			var out bytes.Buffer
			w := NewWriter(&out)
			for _, part := range []string{in[:cut], in[cut:second], in[second:]} {
				if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
					t.Fatalf("Write(%q) = %d, %v; want %d", part, n, err, len(part))
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if out.String() != Text(in) {
				t.Fatalf("cut at %d, %d: %q; want %q", cut, second, out.String(), Text(in))
			}
		}
	}
}

func FuzzWriter(f *testing.F) {
	f.Add([]byte("a\x1b\xf0\x9f"), 2)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		cut = max(0, min(cut, len(in)))
		var out bytes.Buffer
		w := NewWriter(&out)
		w.Write(in[:cut])
		w.Write(in[cut:])
		w.Close()
		got := out.String()
		if got != Text(string(in)) {
			t.Errorf("Writer(%q, cut %d) = %q; want %q", in, cut, got, Text(string(in)))
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool {
			return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || hidden(r)
		}) {
			t.Errorf("Text(%q) = %q: not fit for a terminal", in, got)
		}
	})
}
