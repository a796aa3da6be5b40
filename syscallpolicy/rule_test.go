//go:build linux

package syscallpolicy

import "testing"

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
		{Operation{Kind: KindOpen, Target: "/a\x1b[2J"}, `its name is too long or too odd to repeat; --learn FILE shows what could allow it`},
		{Operation{Kind: KindOpen, Target: "/a\u202e"}, `its name is too long or too odd to repeat; --learn FILE shows what could allow it`},
		{Operation{Kind: KindOpen, Target: "x\xff"}, `no rule can allow it: "x\xff" is no absolute path in its shortest form`},
		{Operation{Kind: KindImport, Target: "numpy"}, ``},
	}
	for _, tt := range tests {
		if got := p.Advice(tt.op, p.Decide(tt.op)); got != tt.want {
			t.Errorf("Advice(%v) = %s; want %s", tt.op, got, tt.want)
		}
	}
}

// TestCallsAsked: a rule on a call that the filter would answer by itself has
// it asked; one on a call that is asked for some arguments changes nothing.
func TestCallsAsked(t *testing.T) {
	p := parse(t, `
[[operation]]
kind = "syscall"
syscall = "times"
decision = "kill"

[[operation]]
kind = "syscall"
syscall = "clone3"
decision = "kill"

[[operation]]
kind = "syscall"
syscall = "mmap"
decision = "kill"

[[operation]]
kind = "syscall"
syscall = "ptrace"
decision = "kill"
`)
	if got := p.Shape(Shape{}).Asked; got != "clone3 times" {
		t.Errorf("Asked = %q; want clone3 times", got)
	}
	if got := p.Decide(Operation{Kind: KindFork, Syscall: "clone3"}); got.Effect != Kill {
		t.Errorf("Decide(clone3) = %v; want kill", got)
	}
}
