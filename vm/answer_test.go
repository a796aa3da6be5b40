package vm

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const goodIdentity = `{"implementation": "cpython", "version": [3, 11, 2, "final", 0], "executable": "/usr/bin/python3.11",` +
	` "path": ["/usr/lib/python3.11", "/a/../b"], "watched": ["/usr/pyvenv.cfg"]}`

const goodExamination = `{"version": [3, 11, 2, "final", 0], "start": ["/usr/lib/python3.11"], "missing": [], "magic": "a70d0d0a",` +
	` "libraries": ["/lib/x/libc.so.6"], "numpy": "1.24.2", "numpy_file": "/usr/lib/python3/dist-packages/numpy/__init__.py", "numpy_error": ""}`

func TestParseIdentity(t *testing.T) {
	for _, out := range []string{
		marker + goodIdentity + "\n",
		"a site hook's noise\n" + marker + goodIdentity + "\n",
		marker + "{}\n" + marker + goodIdentity + "\n" + marker + "cut off",
	} {
		a, err := parseIdentity([]byte(out))
		want := identity{
			"cpython", version{3, 11, 2, "final", 0}, "/usr/bin/python3.11",
			[]string{"/usr/lib/python3.11", "/b"}, []string{"/usr/pyvenv.cfg"},
		}
		if err != nil || !reflect.DeepEqual(a, want) {
			t.Errorf("parseIdentity(%q) = %v, %v; want %v", out, a, err, want)
		}
	}
}

func TestParseIdentityRefuses(t *testing.T) {
	change := func(old, new string) string {
		return marker + strings.Replace(goodIdentity, old, new, 1) + "\n"
	}
	for _, test := range []struct{ out, want string }{
		{"", "no answer"},
		{"Python 3.11.2\n", "no answer"},
		{marker + goodIdentity, "no answer"}, // no end of line: cut off
		{strings.TrimPrefix(marker, "h") + goodIdentity + "\n", "no answer"},
		{strings.Repeat("y\n", maxAnswer), "bytes"},
		{marker + "[]\n", "decode answer"},
		{marker + "{\n", "decode answer"},
		{marker + "{}\n", "implementation"},
		{marker + goodIdentity + "{}\n", "more than one value"},
		{change(`"watched"`, `"more": 1, "watched"`), "unknown field"},
		{change(`"cpython"`, `"c\u001b[1m"`), "implementation"},
		{change(`"cpython"`, `""`), "implementation"},
		{change(`[3, 11, 2, "final", 0]`, `null`), "version"},
		{change(`"version": [3, 11, 2, "final", 0], `, ``), "version"},
		{change(`[3, 11, 2, "final", 0]`, `[3, 11]`), "version"},
		{change(`[3, 11, 2, "final", 0]`, `[3, 11, 2, "final", 0, 1]`), "version"},
		{change(`3, 11`, `3, -11`), "version"},
		{change(`3, 11`, `3.5, 11`), "version"},
		{change(`3, 11`, `"3", 11`), "version"},
		{change(`final`, `gold`), "version"},
		{change(`"/usr/bin/python3.11"`, `""`), "executable"},
		{change(`"/usr/bin/python3.11"`, `"python3"`), "unusable path"},
		{change(`/usr/pyvenv.cfg`, `/usr\u0000`), "unusable path"},
		{change(`/usr/lib/python3.11`, ``), "unusable path"},
		{change(`/usr/lib/python3.11`, `/`+strings.Repeat("a", maxPath)), "unusable path"},
		{change(`"/usr/lib/python3.11"`, strings.Repeat(`"/a",`, maxPaths)+`"/a"`), "too many"},
	} {
		if a, err := parseIdentity([]byte(test.out)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("parseIdentity(%.100q) = %v, %v; want an error with %q", test.out, a, err, test.want)
		}
	}
}

func TestParseExamination(t *testing.T) {
	change := func(old, new string) []byte {
		return []byte(marker + strings.Replace(goodExamination, old, new, 1) + "\n")
	}
	a, err := parseExamination(change(`"numpy_error": ""`, `"numpy_error": "\n\nImportError: \u202ebad\u0007\nand more"`))
	if err != nil || a.NumpyError != "ImportError: bad" {
		t.Errorf("parseExamination = %q, %v; want the first line, without controls", a.NumpyError, err)
	}
	for old, new := range map[string]string{
		`a70d0d0a`:         `a70d0d0`,
		`/lib/x/libc.so.6`: `libc.so.6`,
		`/usr/lib/python3/dist-packages/numpy/__init__.py`: `numpy`,
		`"magic": "a70d0d0a"`:                              `"magic": "` + strings.Repeat("00", 100) + `"`,
		`"start": [`:                                       `"start": ["x",`,
		`"missing": []`:                                    `"missing": 1`,
	} {
		if a, err := parseExamination(change(old, new)); err == nil {
			t.Errorf("parseExamination with %s = %v, nil; want an error", new, a)
		}
	}
}

func TestVersion(t *testing.T) {
	for want, v := range map[string]version{
		"3.11.2": {3, 11, 2, "final", 0}, "3.14.0rc2": {3, 14, 0, "candidate", 2}, "3.9.0a1": {3, 9, 0, "alpha", 1},
	} {
		if got := v.String(); got != want {
			t.Errorf("String(%#v) = %s; want %s", v, got, want)
		}
	}
	for _, test := range []struct {
		v    version
		want bool
	}{
		{version{Major: 2, Minor: 7}, true}, {version{Major: 3, Minor: 8, Micro: 18}, true},
		{version{Major: 3, Minor: 9}, false}, {version{Major: 3, Minor: 13}, false}, {version{Major: 4, Minor: 0}, false},
	} {
		if got := test.v.before(oldest); got != test.want {
			t.Errorf("%v.before(%v) = %v; want %v", test.v, oldest, got, test.want)
		}
	}
}

// What is accepted is well-formed, and says the same when it is said again.
func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(marker + goodIdentity + "\n"))
	f.Add([]byte(marker + goodExamination + "\n"))
	f.Add([]byte("noise\n" + marker + "{}\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		if a, err := parseIdentity(out); err == nil {
			said := a.Version
			text, err := json.Marshal(map[string]any{
				"implementation": a.Implementation, "executable": a.Executable, "path": a.Path, "watched": a.Watched,
				"version": []any{said.Major, said.Minor, said.Micro, said.Level, said.Serial},
			})
			if err != nil {
				t.Fatalf("encode %v: %v", a, err)
			}
			again, err := parseIdentity([]byte(marker + string(text) + "\n"))
			if err != nil || !reflect.DeepEqual(a, again) {
				t.Errorf("parseIdentity(%s) = %v, %v; want %v", text, again, err, a)
			}
		}
		if a, err := parseExamination(out); err == nil {
			for _, text := range append(a.Missing, a.Numpy, a.NumpyError) {
				if text != oneLine(text) {
					t.Errorf("parseExamination(%q) has text %q; want one clean line", out, text)
				}
			}
		}
	})
}
