//go:build linux

package syscallpolicy

import (
	"fmt"
	"slices"
	"testing"
)

// parse reads a policy that must be good, on fakeHost.
func parse(t *testing.T, text string) Policy {
	t.Helper()
	p, err := Parse("p.toml", []byte(text), fakeHost)
	if err != nil {
		t.Fatalf("Parse(%s) = %v; want none", text, err)
	}
	return p
}

func mustRead(t *testing.T, p Policy, name string) Policy {
	t.Helper()
	p, err := p.WithRead(name, fakeHost)
	if err != nil {
		t.Fatalf("WithRead(%s) = %v; want none", name, err)
	}
	return p
}

func mustWrite(t *testing.T, p Policy, name string) Policy {
	t.Helper()
	p, err := p.WithWrite(name, fakeHost)
	if err != nil {
		t.Fatalf("WithWrite(%s) = %v; want none", name, err)
	}
	return p
}

// TestZeroPolicy: a policy that nobody made denies everything.
func TestZeroPolicy(t *testing.T) {
	var p Policy
	for _, k := range Kinds() {
		for _, target := range []string{"", "/", "/etc/passwd", "numpy", "localhost:80", "f"} {
			d := p.Decide(Operation{Kind: k, Target: target, Syscall: "openat"})
			if d != (Decision{Rule: "default"}) {
				t.Errorf("Decide(%v %q) = %v; want deny by default", k, target, d)
			}
		}
	}
	if p.Modules() != nil || p.Roots() != nil || p.Shape(Shape{}) != (Shape{}) || p.Limits().Check() == nil {
		t.Errorf("zero policy = %v, %v, %v; want nothing", p.Modules(), p.Roots(), p.Shape(Shape{}))
	}
	if got := p.String(); got != "deny everything" {
		t.Errorf("String() = %q; want deny everything", got)
	}
}

// TestReadWrite: what the flags of the command line grant.
func TestReadWrite(t *testing.T) {
	base, err := Preset("compute")
	if err != nil {
		t.Fatal(err)
	}
	all := KindsOf(KindOpen, KindStat, KindList, KindCreate, KindRemove, KindRename)
	tests := []struct {
		policy       Policy
		target       string
		reads, plain KindSet // allowed for reading; allowed for changes
	}{
		{mustRead(t, base, "/srv/data"), "/srv/data/a", readingKinds, 0},
		{mustRead(t, base, "/srv/data"), "/srv/data", readingKinds, 0},
		{mustRead(t, base, "/srv/data"), "/srv", 0, 0},
		{mustRead(t, base, "/data/file"), "/data/file", readingKinds, 0},
		{mustRead(t, base, "/data/file"), "/data/file/x", 0, 0},
		{mustRead(t, base, "/"), "/a", readingKinds, 0},
		{mustRead(t, base, "/"), "/proc/self/environ", 0, 0},
		{mustWrite(t, base, "/srv/out"), "/srv/out/a/b", all, all &^ KindsOf(KindStat)},
		{mustWrite(t, base, "/srv/out"), "/srv/out", readingKinds, KindsOf(KindOpen, KindList)},
		{mustWrite(t, base, "/data/file"), "/data/file", all, all &^ KindsOf(KindStat)},
		{mustWrite(t, base, "/data/new"), "/data/new", all, all &^ KindsOf(KindStat)},
		{mustWrite(t, base, "/data/new"), "/data/new2", 0, 0},
	}
	for _, tt := range tests {
		for _, k := range all.Kinds() {
			read := tt.policy.Decide(Operation{Kind: k, Target: tt.target}).Effect == Allow
			if read != tt.reads.Has(k) {
				t.Errorf("%v: %v %s allowed = %v; want %v", tt.policy.Rules()[0], k, tt.target, read, tt.reads.Has(k))
			}
			if k == KindStat {
				continue
			}
			write := tt.policy.Decide(Operation{Kind: k, Target: tt.target, Write: true}).Effect == Allow
			if write != tt.plain.Has(k) {
				t.Errorf("%v: %v %s for writing allowed = %v; want %v", tt.policy.Rules()[0], k, tt.target, write, tt.plain.Has(k))
			}
		}
	}
	for _, name := range []string{"data", "/nosuch", "/proc/self", "/proc"} {
		if _, err := base.WithRead(name, fakeHost); err == nil {
			t.Errorf("WithRead(%s) = nil; want an error", name)
		}
	}
	for _, name := range []string{"/nosuch/x", "/data/file/x", "/proc/sys"} {
		if _, err := base.WithWrite(name, fakeHost); err == nil {
			t.Errorf("WithWrite(%s) = nil; want an error", name)
		}
	}
}

// TestLayers: a command line comes before a file, that before its preset, and
// no policy changes by another one being made of it.
func TestLayers(t *testing.T) {
	file := parse(t, "[modules]\nallow = ['scipy']\n[[operation]]\nkind = 'open'\npath = '/srv/data/x.csv'\ndecision = 'kill'\n"+
		"[[operation]]\nkind = 'import'\nmodule = 'os'\ndecision = 'deny'\n")
	flags := mustRead(t, file, "/srv/data")
	op := Operation{Kind: KindOpen, Target: "/srv/data/x.csv"}
	if got := file.Decide(op); got.Effect != Kill || got.Rule != "p.toml:3" {
		t.Errorf("Decide = %v; want kill by the file", got)
	}
	if got := flags.Decide(op); got.Effect != Allow || got.Rule != "--read /srv/data" {
		t.Errorf("Decide = %v; want allow by the flag", got)
	}
	if slices.Contains(file.Modules(), "os") || !slices.Contains(file.Modules(), "scipy") || !slices.Contains(file.Modules(), "numpy") {
		t.Errorf("Modules() = %v; want the preset's with scipy and without os", file.Modules())
	}
	if got := fmt.Sprint(file.Required()); got != "[scipy]" {
		t.Errorf("Required() = %s; want scipy", got)
	}
	more, err := file.WithModules("--module", "os", "pandas")
	if err != nil || !slices.Contains(more.Modules(), "os") || fmt.Sprint(more.Required()) != "[os pandas scipy]" {
		t.Errorf("WithModules = %v, %v; want os again", more.Required(), err)
	}
	only, err := more.ReplaceModules("--modules", "json", "numpy")
	if err != nil || fmt.Sprint(only.Modules()) != "[json numpy]" {
		t.Errorf("ReplaceModules = %v, %v; want those two", only.Modules(), err)
	}
	for _, name := range []string{"", "a b", "a*", "1"} {
		if _, err := file.WithModules("--module", name); err == nil {
			t.Errorf("WithModules(%q) = nil; want an error", name)
		}
	}
	asking := file.WithAsk()
	if got := asking.Decide(Operation{Kind: KindOpen, Target: "/etc/passwd", Write: true}); got.Effect != Ask || got.Root != "/" || got.Below != "etc/passwd" {
		t.Errorf("Decide = %+v; want to ask", got)
	}
	if got := asking.Decide(Operation{Kind: KindExec, Target: "/bin/sh"}); got.Effect != Deny {
		t.Errorf("Decide = %v; want no question about what cannot be", got)
	}
	if got := file.Decide(Operation{Kind: KindOpen, Target: "/etc/passwd"}); got.Effect != Deny {
		t.Errorf("Decide = %v; want the first policy unchanged", got)
	}
	if _, err := file.WithLimits(Limits{}); err == nil {
		t.Errorf("WithLimits(none) = nil; want an error")
	}
}

func TestPresets(t *testing.T) {
	for _, info := range Presets() {
		p, err := Preset(info[0])
		if err != nil || p.Preset() != info[0] || p.Limits() != DefaultLimits() || p.Roots() != nil {
			t.Errorf("Preset(%s) = %v, %v; want no file in it", info[0], p, err)
		}
		for _, k := range Kinds() {
			if got := p.Decide(Operation{Kind: k, Target: "/etc/passwd"}); got.Effect != Deny {
				t.Errorf("preset %s: Decide(%v) = %v; want deny", info[0], k, got)
			}
		}
		for _, m := range p.Modules() {
			if !slices.Contains(computeModules, m) {
				t.Errorf("preset %s has %s, which the default one has not", info[0], m)
			}
		}
	}
	if got, _ := Preset("compute"); !slices.Equal(got.Modules(), slices.Sorted(slices.Values(computeModules))) || got.Required() != nil {
		t.Errorf("preset compute = %v; want ComputeModules", got.Modules())
	}
	if _, err := Preset("strict"); err == nil {
		t.Errorf("Preset(strict) = nil; want an error")
	}
}
