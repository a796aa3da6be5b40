//go:build linux

package syscallpolicy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

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
