//go:build amd64

package syscallpolicy

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

// home is where the model lives in these tests; modelHost has everything
// below it, a link that leads out of it, and one that stays.
const home = "/home/u/model"

func modelHost(name string) (string, bool, error) {
	if rest, ok := within(name, home+"/out"); ok {
		return path.Join("/etc", rest), rest == "", nil
	}
	if name == home+"/again" {
		return home + "/data.csv", false, nil
	}
	if _, ok := within(name, home); ok && path.Base(name) != "nosuch" {
		return name, !strings.Contains(path.Base(name), "."), nil
	}
	if name == "/etc/passwd" {
		return name, false, nil
	}
	if name == "/" || name == "/etc" || name == "/home" || name == "/home/u" {
		return name, true, nil
	}
	return "", false, fmt.Errorf("lstat %s: %w", name, fs.ErrNotExist)
}

// modelMissing is Missing on that host.
func modelMissing(k Kind, target string) string {
	if k == KindCreate {
		target = path.Dir(target)
	}
	if _, _, err := modelHost(target); err != nil {
		return target
	}
	return ""
}

// learn refuses the operations by base and gives the file that was learned.
func learn(t *testing.T, base Policy, ops ...Operation) string {
	t.Helper()
	l := Learner{Look: modelHost, Missing: modelMissing}
	for _, op := range ops {
		l.Add(op, base.Decide(op))
	}
	var b strings.Builder
	if _, err := l.Write(&b, base, home); err != nil {
		t.Fatalf("Write(%q) = %v; want none", ops, err)
	}
	return b.String()
}

func TestLearn(t *testing.T) {
	base, err := Parse("base.toml", []byte(`
[limits]
memory = "1G"
timeout = "1m30s"
cpus = 1.5
threads = 3

[modules]
allow = ["scipy"]

[[operation]]
kind = "open"
path = "/srv/data/**"
decision = "allow"

[[operation]]
kind = "open"
path = "/srv/data/a/**"
write = true
decision = "kill"

[[operation]]
kind = "import"
module = "os"
decision = "deny"

[[file]]
path = "/empty"
content = ""
`), nil)
	if err == nil {
		base, err = base.WithRead("/srv/more", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	text := learn(t, base,
		Operation{Kind: KindOpen, Target: home + "/data.csv"},
		Operation{Kind: KindStat, Target: home + "/data.csv"},
		Operation{Kind: KindOpen, Target: home + "/data.csv"},
		Operation{Kind: KindOpen, Target: home + "/again"},
		Operation{Kind: KindList, Target: home},
		Operation{Kind: KindCreate, Target: home + "/result.npy", Write: true},
		Operation{Kind: KindOpen, Target: home + "/result.npy", Write: true},
		Operation{Kind: KindCreate, Target: home + "/model.py", Write: true},
		Operation{Kind: KindOpen, Target: home + "/.git/config"},
		Operation{Kind: KindOpen, Target: home + "/out/passwd"},
		Operation{Kind: KindOpen, Target: home + "/nosuch"},
		Operation{Kind: KindOpen, Target: home + "/*"},
		Operation{Kind: KindOpen, Target: home + "/a\"]]\n[[operation]]\nkind = 'open'"},
		Operation{Kind: KindOpen, Target: home + "/a\u202eb"},
		Operation{Kind: KindOpen, Target: home + "/a\xff"},
		Operation{Kind: KindOpen, Target: "/etc/passwd"},
		Operation{Kind: KindOpen, Target: "/etc/nosuch"},
		Operation{Kind: KindCreate, Target: "/etc/new", Write: true},
		Operation{Kind: KindCreate, Target: "/srv/nosuch/new", Write: true},
		Operation{Kind: KindOpen, Target: "/etc/pass\nwd"},
		Operation{Kind: KindOpen, Target: "/srv/data/a/x", Write: true},
		Operation{Kind: KindImport, Target: "json"},
		Operation{Kind: KindImport, Target: "os"},
		Operation{Kind: KindImport, Target: "socket"},
		Operation{Kind: KindImport, Target: "so*"},
		Operation{Kind: KindConnect, Target: "example.org:443"},
		Operation{Kind: KindConnect, Target: "unix"},
		Operation{Kind: KindCall, Target: "rate"},
		Operation{Kind: KindExec, Target: "/bin/sh", Syscall: "execve"},
		Operation{Kind: KindSyscall, Target: "ptrace", Syscall: "ptrace"},
	)
	golden(t, "testdata/learned.golden", text)
	p, err := Parse("learned.toml", []byte(text), modelHost)
	if err == nil || !strings.Contains(err.Error(), "/srv/data does not exist") {
		t.Errorf("Parse(learned) = %v, %v; want that the base's own path is not there", p, err)
	}
	p, err = Parse("learned.toml", []byte(text), nil)
	if err != nil {
		t.Fatalf("Parse(learned) = %v; want none", err)
	}
	if p.Limits() != base.Limits() || p.Preset() != base.Preset() {
		t.Errorf("learned policy has other limits or another preset: %v", p)
	}
	for target, want := range map[string]Effect{
		home + "/data.csv": Allow, home + "/*": Allow, home + "/x": Deny, "/etc/passwd": Deny, home + "/out/passwd": Deny,
		home + "/.git/config": Deny, "/srv/more/x": Allow, "/empty": Virtual,
	} {
		if got := p.Decide(Operation{Kind: KindOpen, Target: target}); got.Effect != want {
			t.Errorf("learned policy: open %s = %v; want %v", target, got, want)
		}
	}
}

// TestLearnReplaced: a list that the command line replaced stays as it was.
func TestLearnReplaced(t *testing.T) {
	base, err := Preset("compute")
	if err == nil {
		base, err = base.ReplaceModules("--modules", "numpy", "pandas")
	}
	if err != nil {
		t.Fatal(err)
	}
	text := learn(t, base, Operation{Kind: KindImport, Target: "json"}, Operation{Kind: KindImport, Target: "socket"})
	p, err := Parse("learned.toml", []byte(text), nil)
	if err != nil || fmt.Sprint(p.Modules()) != "[json numpy pandas]" {
		t.Errorf("learned modules = %v, %v; want json besides those that were there", p.Modules(), err)
	}
}

// TestLearnBounded: a flood neither grows the learner nor the file.
func TestLearnBounded(t *testing.T) {
	var l Learner
	l.Look = modelHost
	d := Decision{Rule: byDefault}
	for i := range 100_000 {
		l.Add(Operation{Kind: KindOpen, Target: fmt.Sprintf("%s/%d.csv", home, i)}, d)
	}
	l.Add(Operation{Kind: KindOpen, Target: "/" + strings.Repeat("x", maxTarget)}, d)
	l.Add(Operation{Kind: KindOpen, Target: "/allowed"}, Decision{Effect: Allow})
	if len(l.list) != maxLearned || l.others != 99_001 {
		t.Errorf("after a flood: %d kept, %d others; want %d, 99001", len(l.list), l.others, maxLearned)
	}
	var b strings.Builder
	base, _ := Preset("compute")
	count, err := l.Write(&b, base, home)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Learned{Rules: maxWritten, Omitted: 99_801}); count != want {
		t.Errorf("Write = %+v; want %+v", count, want)
	}
	p, err := Parse("learned.toml", []byte(b.String()), modelHost)
	if err != nil || len(p.ruleLines()) != maxWritten {
		t.Errorf("learned %d rules, %v; want %d", len(p.ruleLines()), err, maxWritten)
	}
	if !strings.Contains(b.String(), "There is more than fits here: refused too, 99801 times.") {
		t.Errorf("the file does not tell how much it leaves out:\n%s", b.String()[len(b.String())-300:])
	}
}

// FuzzLearn: whatever a model tries, the file is a policy that allows nothing
// besides the targets themselves, and those only where they may be.
func FuzzLearn(f *testing.F) {
	f.Add(uint8(KindOpen), home+"/data.csv", uint8(KindOpen), "/etc/**", false)
	f.Add(uint8(KindOpen), home+"/*\"]]\n[[operation]]\nkind=\"open\"\npath=\"/**\"\ndecision=\"allow\"", uint8(KindImport), "json", true)
	f.Add(uint8(KindImport), "os\"]\n", uint8(KindConnect), "a\":1", false)
	f.Add(uint8(KindCreate), home+"/'''\x00\x1b\u202e\xff", uint8(KindList), home+"/out/x", true)
	f.Add(uint8(KindCall), "f\n[[file]]", uint8(KindSyscall), "x\r\n", false)
	f.Fuzz(func(t *testing.T, kind1 uint8, target1 string, kind2 uint8, target2 string, write bool) {
		base, err := Preset("math")
		if err != nil {
			t.Fatal(err)
		}
		ops := []Operation{
			{Kind: Kind(kind1 % uint8(kindEnd)), Target: target1, Write: write},
			{Kind: Kind(kind2 % uint8(kindEnd)), Target: target2},
		}
		text := learn(t, base, ops...)
		p, err := Parse("learned.toml", []byte(text), modelHost)
		if err != nil {
			t.Fatalf("Parse = %v; want a policy:\n%s", err, text)
		}
		// Nor does it when a person makes all of it active.
		all, err := Parse("learned.toml", []byte(uncommented(text)), nil)
		if err != nil {
			t.Fatalf("Parse(uncommented) = %v; want a policy:\n%s", err, text)
		}
		for _, c := range all.rules {
			named := func(op Operation) bool {
				return c.Kinds.Has(op.Kind) && (op.Target == c.Target || EscapePattern(op.Target) == c.Target)
			}
			if c.layer != fromPreset && (c.Effect != Allow || !slices.ContainsFunc(ops, named)) {
				t.Errorf("with all of it active it has %v, which nobody tried:\n%s", c, text)
			}
		}
		for _, c := range p.rules {
			if c.layer == fromPreset {
				continue
			}
			if c.Effect != Allow {
				t.Errorf("learned %v; want allows only", c)
			}
			if c.Kinds.Has(KindImport) {
				if !slices.ContainsFunc(ops, func(op Operation) bool { return op.Kind == KindImport && op.Target == c.Target }) {
					t.Errorf("learned import of %q, which nobody tried:\n%s", c.Target, text)
				}
				continue
			}
			s, ok := c.subject.(paths)
			if !ok || s.written.literal == "" {
				t.Fatalf("learned %v; want single paths only:\n%s", c, text)
			}
			tried := func(op Operation) bool { return pathKinds.Has(op.Kind) && op.Target == s.written.literal }
			if !slices.ContainsFunc(ops, tried) {
				t.Errorf("learned %q, which nobody tried:\n%s", s.written.literal, text)
			}
			if _, ok := within(s.real.literal, home); !ok {
				t.Errorf("learned %q outside of %s:\n%s", s.real.literal, home, text)
			}
		}
		for line := range strings.Lines(text) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !printable(string(r)) }) {
				t.Errorf("line %q is not printable", line)
			}
		}
	})
}
