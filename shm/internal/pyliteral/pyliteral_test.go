package pyliteral

import (
	"reflect"
	"strings"
	"testing"
)

// plain drops the texts, which TestText looks at.
func plain(n Node) Node {
	n.Text = ""
	for i := range n.Items {
		n.Items[i] = plain(n.Items[i])
	}
	return n
}

func str(s string) Node { return Node{Kind: String, Str: s} }
func num(v int64) Node  { return Node{Kind: Int, Int: v} }

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text string
		want Node
	}{
		{`'a'`, str("a")},
		{` "it's" ` + "\n", str("it's")},
		{`''`, str("")},
		{`'\\\'\"\n\r\t\x41\xe9\u20ac\U0001f600é'`, str("\\'\"\n\r\tA\u00e9\u20ac\U0001f600é")},
		{"0", num(0)},
		{"-12", num(-12)},
		{"3L", num(3)},
		{"9223372036854775807", num(1<<63 - 1)},
		{"True", Node{Kind: Bool, Bool: true}},
		{"False", Node{Kind: Bool}},
		{"()", Node{Kind: Tuple}},
		{"( 1 , )", Node{Kind: Tuple, Items: []Node{num(1)}}},
		{"(1,2)", Node{Kind: Tuple, Items: []Node{num(1), num(2)}}},
		{"[1]", Node{Kind: List, Items: []Node{num(1)}}},
		{"[1,\n[],]", Node{Kind: List, Items: []Node{num(1), {Kind: List}}}},
		{"{}", Node{Kind: Dict}},
		{"{'a': 1, 'b': (), }", Node{Kind: Dict, Items: []Node{str("a"), num(1), str("b"), {Kind: Tuple}}}},
	} {
		if got, err := Parse(test.text); err != nil || !reflect.DeepEqual(plain(got), test.want) {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", test.text, got, err, test.want)
		}
	}
}

func TestText(t *testing.T) {
	n, err := Parse(" {'a' : [ (1, ) ] } ")
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		n.Text: "{'a' : [ (1, ) ] }", n.Items[0].Text: "'a'", n.Items[1].Text: "[ (1, ) ]",
	} {
		if got != want {
			t.Errorf("Text = %q; want %q", got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "byte 0: the text ends early"},
		{"1 2", "byte 2: more text"},
		{"'a' 'b'", "more text"},
		{"Trueish", "more text"},
		{"'a", "without its end"},
		{`'a\`, "without its end"},
		{"'a\nb'", "a line ends"},
		{`'\q'`, "unknown escape"},
		{`'\x4'`, "no code point"},
		{`'\x4`, "without all its digits"},
		{`'\x+1'`, "no code point"},
		{`'\ud800'`, "no code point"},
		{`'\U00110000'`, "no code point"},
		{`'\Uffffffff'`, "no code point"},
		{"u'a'", "no string"},
		{"b'a'", "no string"},
		{"None", "no string"},
		{"__import__('os')", "no string"},
		{"1+1", "more text"},
		{"-", "not an integer"},
		{"1.5", "more text"},
		{"1_000", "more text"},
		{"007", "begins with 0"},
		{"9223372036854775808", "not an integer of 64 bits"},
		{"(1)", "needs a comma"},
		{"(1 2)", "no , or )"},
		{"(,)", "no string"},
		{"(1,,2)", "no string"},
		{"[1", "no , or ]"},
		{"[1,", "the text ends early"},
		{"{1}", "no : behind a key"},
		{"{1: 2 3: 4}", "no , or }"},
		{"{1: }", "no string"},
		{"1 # one", "more text"},
		{"'\xff'", "not UTF-8"},
		{strings.Repeat("[", 1<<20), "deeper than 32"},
		{strings.Repeat("{1:", 40), "deeper than 32"},
	} {
		n, err := Parse(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Parse(%.40q) = %+v, %v; want an error with %q", test.text, n, err, test.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"a", `'a'`},
		{"it's", `"it's"`},
		{`"`, `'"'`},
		{`'"`, `'\'"'`},
		{"\\\n\r\t\x00\x7f\u0085\u00a0", `'\\\n\r\t\x00\x7f\x85\xa0'`},
		{"\u00e9\u20ac\u202e\u3000\U0001f600\U000e0001", `'` + "\u00e9\u20ac" + `\u202e\u3000` + "\U0001f600" + `\U000e0001'`},
	} {
		if got := Quote(test.text); got != test.want {
			t.Errorf("Quote(%q) = %s; want %s", test.text, got, test.want)
		}
		if n, err := Parse(Quote(test.text)); err != nil || n.Str != test.text {
			t.Errorf("Parse(Quote(%q)) = %q, %v", test.text, n.Str, err)
		}
	}
}

func TestShape(t *testing.T) {
	for _, test := range []struct {
		shape []int64
		want  string
	}{
		{nil, "()"},
		{[]int64{3}, "(3,)"},
		{[]int64{3, 0, 12}, "(3, 0, 12)"},
	} {
		if got := Shape(test.shape); got != test.want {
			t.Errorf("Shape(%d) = %s; want %s", test.shape, got, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"{'a': [(1, 'b'), True], }", `"\x41\u20ac"`, "-3L"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(n.Text); err != nil || !reflect.DeepEqual(again, n) {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", n.Text, again, err, n)
		}
		if n.Kind != String {
			return
		}
		if again, err := Parse(Quote(n.Str)); err != nil || again.Str != n.Str {
			t.Errorf("Parse(Quote(%q)) = %q, %v", n.Str, again.Str, err)
		}
	})
}
