//go:build linux

package syscallpolicy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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

const decideRules = `
[[operation]]
kind = ["open", "list"]
path = "/srv/data/**"
decision = "allow"

[[operation]]
kind = ["open", "stat"]
path = "/link/private/**"
decision = "kill"

[[operation]]
kind = "open"
path = "/link/**"
write = true
decision = "allow"

[[operation]]
kind = ["create", "remove", "rename"]
path = "/srv/out/**"
decision = "allow"

[[operation]]
kind = ["remove"]
path = "/srv/**"
decision = "deny"
errno = "EROFS"

[[operation]]
kind = "open"
path = "/data/current"
decision = "allow"

[[operation]]
kind = "open"
path = "/etc/**"
write = true
decision = "kill"

[[operation]]
kind = "open"
path = "/proc/cpuinfo"
decision = "allow"

[[operation]]
kind = "list"
path = "/**"
decision = "ask"

[[operation]]
kind = "import"
module = "ctypes"
decision = "kill"

[[operation]]
kind = "import"
module = "_*"
decision = "kill"

[[operation]]
kind = "connect"
address = "rates.example.org:443"
decision = "allow"

[[operation]]
kind = "connect"
address = "10.0.0.0/8:*"
decision = "kill"

[[operation]]
kind = "connect"
address = "*.Example.ORG:80"
decision = "ask"

[[operation]]
kind = "call"
function = "rate"
decision = "allow"

[[operation]]
kind = "syscall"
syscall = "execve"
decision = "kill"

[[file]]
path = "/config.json"
content = "{}"
`

func TestDecide(t *testing.T) {
	p := parse(t, decideRules)
	tests := []struct {
		op   Operation
		want string
	}{
		{Operation{Kind: KindOpen, Target: "/srv/data/a/b"}, "allow /srv/data a/b"},
		{Operation{Kind: KindOpen, Target: "/srv/data"}, "allow /srv/data ."},
		{Operation{Kind: KindOpen, Target: "/srv/data/a", Write: true}, "deny EPERM"},
		{Operation{Kind: KindList, Target: "/srv/data"}, "allow /srv/data ."},
		{Operation{Kind: KindList, Target: "/srv/data", Write: true}, "deny EPERM"},
		{Operation{Kind: KindStat, Target: "/srv/data/a"}, "allow /srv/data a"},
		{Operation{Kind: KindStat, Target: "/srv"}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "/srv/database"}, "deny EPERM"},
		{Operation{Kind: KindCreate, Target: "/srv/data/a", Write: true}, "deny EPERM"},

		{Operation{Kind: KindOpen, Target: "/link/a", Write: true}, "allow /mnt/disk a"},
		{Operation{Kind: KindOpen, Target: "/mnt/disk/a"}, "allow /mnt/disk a"},
		{Operation{Kind: KindOpen, Target: "/link/private/a"}, "kill"},
		{Operation{Kind: KindOpen, Target: "/mnt/disk/private/a"}, "kill"},
		{Operation{Kind: KindOpen, Target: "/mnt/disk/private"}, "kill"},
		{Operation{Kind: KindOpen, Target: "/data/current"}, "allow /mnt/disk x"},
		{Operation{Kind: KindStat, Target: "/data/current"}, "allow /mnt/disk x"},

		{Operation{Kind: KindCreate, Target: "/srv/out/a", Write: true}, "allow /srv/out a"},
		{Operation{Kind: KindCreate, Target: "/srv/out/a"}, "allow /srv/out a"},
		{Operation{Kind: KindRemove, Target: "/srv/out", Write: true}, "deny EROFS"},
		{Operation{Kind: KindRename, Target: "/srv/out", Write: true}, "deny EPERM"},
		{Operation{Kind: KindRemove, Target: "/srv", Write: true}, "deny EROFS"},

		{Operation{Kind: KindOpen, Target: "/etc/passwd"}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "/etc/passwd", Write: true}, "kill"},
		{Operation{Kind: KindOpen, Target: "/proc/cpuinfo"}, "allow /proc cpuinfo"},
		{Operation{Kind: KindList, Target: "/home"}, "ask / home"},
		{Operation{Kind: KindList, Target: "/"}, "ask / ."},
		{Operation{Kind: KindList, Target: "/proc/self"}, "deny EPERM"},
		{Operation{Kind: KindList, Target: "/proc"}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "/config.json"}, "virtual {}"},
		{Operation{Kind: KindStat, Target: "/config.json"}, "virtual {}"},
		{Operation{Kind: KindOpen, Target: "/config.json", Write: true}, "deny EPERM"},

		// What is no clean path is nobody's.
		{Operation{Kind: KindOpen, Target: ""}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "srv/data/a"}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "/srv/data/../../etc/passwd"}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "/srv/data//a"}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "/srv/data/a\x00b"}, "deny EPERM"},
		{Operation{Kind: KindOpen, Target: "/srv/data/" + strings.Repeat("a", maxTarget)}, "deny EPERM"},

		{Operation{Kind: KindImport, Target: "numpy"}, "allow"},
		{Operation{Kind: KindImport, Target: "numpy.linalg"}, "allow"},
		{Operation{Kind: KindImport, Target: "numpyx"}, "deny EPERM"},
		{Operation{Kind: KindImport, Target: "concurrent"}, "deny EPERM"},
		{Operation{Kind: KindImport, Target: "concurrent.futures.thread"}, "allow"},
		{Operation{Kind: KindImport, Target: "ctypes.util"}, "kill"},
		{Operation{Kind: KindImport, Target: "_socket"}, "kill"},
		{Operation{Kind: KindImport, Target: "__future__"}, "kill"},
		{Operation{Kind: KindImport, Target: "numpy\x00"}, "deny EPERM"},
		{Operation{Kind: KindImport, Target: ""}, "deny EPERM"},

		{Operation{Kind: KindConnect, Target: "rates.example.org:443"}, "allow"},
		{Operation{Kind: KindConnect, Target: "RATES.example.org.:443"}, "allow"},
		{Operation{Kind: KindConnect, Target: "rates.example.org:80"}, "ask"},
		{Operation{Kind: KindConnect, Target: "example.org:80"}, "deny EPERM"},
		{Operation{Kind: KindConnect, Target: "badexample.org:80"}, "deny EPERM"},
		{Operation{Kind: KindConnect, Target: "10.1.2.3:5"}, "kill"},
		{Operation{Kind: KindConnect, Target: "[::ffff:10.1.2.3]:5"}, "kill"},
		{Operation{Kind: KindConnect, Target: "11.1.2.3:5"}, "deny EPERM"},
		{Operation{Kind: KindConnect, Target: "unix:/run/x"}, "deny EPERM"},
		{Operation{Kind: KindConnect, Target: "10.1.2.3"}, "deny EPERM"},

		{Operation{Kind: KindCall, Target: "rate"}, "allow"},
		{Operation{Kind: KindCall, Target: "rates"}, "deny EPERM"},
		{Operation{Kind: KindExec, Target: "/bin/sh", Syscall: "execve"}, "kill"},
		{Operation{Kind: KindExec, Target: "/bin/sh", Syscall: "execveat"}, "deny EPERM"},
		{Operation{Kind: KindSyscall, Target: "execve"}, "deny EPERM"},
		{Operation{Kind: KindNone, Target: "/srv/data/a"}, "deny EPERM"},
		{Operation{Kind: kindEnd, Target: "/srv/data/a"}, "deny EPERM"},
	}
	for _, tt := range tests {
		d := p.Decide(tt.op)
		got := d.Effect.String()
		switch d.Effect {
		case Deny:
			got += " " + unix.ErrnoName(d.ErrnoOrEPERM())
		case Virtual:
			got += " " + d.Content
		case Allow, Ask:
			if d.Root != "" {
				got += " " + d.Root + " " + d.Below
			}
		}
		if got != tt.want {
			t.Errorf("Decide(%v, write %v) = %s by %s; want %s", tt.op, tt.op.Write, got, d.Rule, tt.want)
		}
		if d.Root != "" && !slices.Contains(p.Roots(), d.Root) {
			t.Errorf("Decide(%v) is below %s; want one of %v", tt.op, d.Root, p.Roots())
		}
	}
	if got := fmt.Sprint(p.Connections()); got != "[rates.example.org:443]" {
		t.Errorf("Connections() = %s; want the one that is granted", got)
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

func TestRuleRefused(t *testing.T) {
	tests := []Rule{
		{},
		{Kinds: KindsOf(KindOpen), Effect: effectEnd},
		{Kinds: KindsOf(KindOpen), Effect: Allow},
		{Kinds: KindsOf(KindOpen), Content: "x"},
		{Kinds: KindsOf(KindOpen, KindCall)},
		{Kinds: KindsOf(KindOpen), Effect: Virtual, Target: "/x", Write: true},
	}
	for _, r := range tests {
		if p, err := (Policy{}).WithRules(nil, r); err == nil || len(p.Rules()) != 0 {
			t.Errorf("WithRules(%v) = %v, %v; want an error", r, p, err)
		}
	}
}

func TestAdvice(t *testing.T) {
	p := parse(t, "[[operation]]\nkind = 'open'\npath = '/srv/**'\ndecision = 'deny'\n")
	tests := []struct {
		op   Operation
		want string
	}{
		{Operation{Kind: KindOpen, Target: "/etc/passwd"},
			`allow it with --read /etc/passwd, or in the policy: [[operation]] kind = 'open' path = '/etc/passwd' decision = 'allow'`},
		{Operation{Kind: KindOpen, Target: "/etc/it's *", Write: true},
			`allow it with --write '/etc/it'\''s *', or in the policy: [[operation]] kind = 'open' path = "/etc/it's \\*" write = true decision = 'allow'`},
		{Operation{Kind: KindRemove, Target: "/x"},
			`allow it with --write /x, or in the policy: [[operation]] kind = 'remove' path = '/x' decision = 'allow'`},
		{Operation{Kind: KindImport, Target: "socket"}, `add it to [modules] allow in the policy, or give --module socket`},
		{Operation{Kind: KindImport, Target: "a;b"}, `no rule can allow it: "a;b" is no dotted name; write one like scipy.signal, with * for any characters of a part`},
		{Operation{Kind: KindImport, Target: "*"}, `no rule can allow it: "*" is no name`},
		{Operation{Kind: KindConnect, Target: "a.example.org:80"},
			`allow it in the policy: [[operation]] kind = 'connect' address = 'a.example.org:80' decision = 'allow'`},
		{Operation{Kind: KindConnect, Target: "unix"}, `no rule can allow it: "unix" is no host and port`},
		{Operation{Kind: KindExec, Target: "/bin/sh"}, `no rule can allow it: no program starts in a sandbox`},
		{Operation{Kind: KindOpen, Target: "/srv/x"}, `p.toml:1 decided so: change it there`},
		{Operation{Kind: KindOpen, Target: "/a\x1b[2J"}, `its name is too long or too odd to repeat; --learn writes the rule that allows it`},
		{Operation{Kind: KindOpen, Target: "/a\u202e"}, `its name is too long or too odd to repeat; --learn writes the rule that allows it`},
		{Operation{Kind: KindOpen, Target: "x\xff"}, `no rule can allow it: "x\xff" is no absolute path in its shortest form`},
		{Operation{Kind: KindImport, Target: "numpy"}, ``},
	}
	for _, tt := range tests {
		if got := p.Advice(tt.op, p.Decide(tt.op)); got != tt.want {
			t.Errorf("Advice(%v) = %s; want %s", tt.op, got, tt.want)
		}
	}
}

// BenchmarkDecide is what each routed operation pays: a refused open passes
// every rule.
func BenchmarkDecide(b *testing.B) {
	p, err := Parse("p.toml", []byte(decideRules), fakeHost)
	if err != nil {
		b.Fatal(err)
	}
	for _, op := range []Operation{
		{Kind: KindOpen, Target: "/srv/data/deep/below/x.csv", Syscall: "openat"},
		{Kind: KindOpen, Target: "/usr/share/zoneinfo/Europe/Berlin", Syscall: "openat"},
		{Kind: KindImport, Target: "socket"},
	} {
		b.Run(fmt.Sprintf("%v-%v", op.Kind, p.Decide(op).Effect), func(b *testing.B) {
			for b.Loop() {
				p.Decide(op)
			}
		})
	}
}
