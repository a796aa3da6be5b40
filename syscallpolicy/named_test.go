//go:build linux

package syscallpolicy

import "testing"

// TestNamed: a call is answered by its name alone, and by nothing that is said
// of what it does.
func TestNamed(t *testing.T) {
	p := parse(t, `
[[operation]]
kind = "syscall"
syscall = "ftruncate"
decision = "kill"

[[operation]]
kind = "syscall"
syscall = "getcwd"
decision = "deny"
errno = "EACCES"

[[operation]]
kind = "stat"
path = "/**"
decision = "kill"
`)
	for _, tt := range []struct {
		op   Operation
		want string
	}{
		{Operation{Kind: KindSyscall, Target: "ftruncate", Syscall: "ftruncate"}, "kill by p.toml:2"},
		{Operation{Kind: KindStat, Target: "/", Syscall: "getcwd"}, "deny with EACCES by p.toml:7"},
		{Operation{Kind: KindStat, Target: "/", Syscall: "newfstatat"}, ""},
		{Operation{Kind: KindSyscall, Target: "fsync", Syscall: "fsync"}, ""},
		{Operation{Kind: KindSyscall, Target: "ftruncate"}, ""},
		{Operation{Kind: kindEnd, Syscall: "ftruncate"}, ""},
	} {
		got := ""
		if d, ok := p.Named(tt.op); ok {
			got = d.String()
		}
		if got != tt.want {
			t.Errorf("Named(%v) = %q; want %q", tt.op, got, tt.want)
		}
	}
	if _, ok := (Policy{}).Named(Operation{Kind: KindSyscall, Syscall: "fsync"}); ok {
		t.Error("a policy that nobody made speaks of a call")
	}
}
