//go:build linux

package syscallpolicy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// withProfile gives a policy with that profile.
func withProfile(t *testing.T, text string) Policy {
	t.Helper()
	p, warnings, err := readProfile("p.json", []byte(text))
	if err != nil {
		t.Fatalf("readProfile = %v; want none", err)
	}
	policy, err := Preset("compute")
	if err != nil {
		t.Fatal(err)
	}
	policy.profile, policy.warnings = p, warnings
	return policy
}

// dockerLike has the shape of the profiles that container engines ship.
const dockerLike = `{
	"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
	"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
	"syscalls": [
		{"names": [%s], "action": "SCMP_ACT_ALLOW"},
		{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]},
			"args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}]},
		{"names": ["clone", "mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
		{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
		{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
		{"names": ["arm_fadvise64_64"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm"]}}
	]
}`

// filterList are all calls of the filter's own list but clone, quoted.
func filterList(without ...string) string {
	var names []string
	for name := range alternatives() {
		if name != "clone" && !slices.Contains(without, name) {
			names = append(names, fmt.Sprintf("%q", name))
		}
	}
	return strings.Join(names, ", ")
}

func TestProfileOfAContainerEngine(t *testing.T) {
	p := withProfile(t, fmt.Sprintf(dockerLike, filterList()+`, "openat", "futimesat"`))
	if got := p.Shape(Shape{}).Asked; got != "" {
		t.Errorf("Asked = %q; want none: what the filter allows of clone is what the profile does", got)
	}
	p = withProfile(t, fmt.Sprintf(dockerLike, filterList("mseal", "madvise")+`, "openat"`))
	if got := p.Shape(Shape{}).Asked; got != "madvise mseal" {
		t.Errorf("Asked = %q; want what the profile leaves out", got)
	}
	p = mustRead(t, p, "/srv/data")
	tests := []struct {
		op   Operation
		want string
	}{
		{Operation{Kind: KindOpen, Target: "/srv/data/a", Syscall: "openat"}, "allow by --read /srv/data"},
		{Operation{Kind: KindOpen, Target: "/srv/data/a", Syscall: "openat2"}, "deny with EPERM by [seccomp] p.json"},
		{Operation{Kind: KindSyscall, Target: "mount", Syscall: "mount"}, "deny with EPERM by [seccomp] p.json"},
		{Operation{Kind: KindFork, Syscall: "clone3"}, "deny with ENOSYS by [seccomp] p.json"},
		{Operation{Kind: KindFork, Syscall: "clone", Args: [6]uint64{unix.CLONE_NEWUSER}}, "deny with EPERM by [seccomp] p.json"},
		{Operation{Kind: KindFork, Syscall: "clone", Args: [6]uint64{17}}, "deny with EPERM by default"},
		{Operation{Kind: KindSyscall, Target: "personality", Syscall: "personality", Args: [6]uint64{8}}, "deny with EPERM by default"},
		{Operation{Kind: KindImport, Target: "numpy"}, "allow by preset compute"},
	}
	for _, tt := range tests {
		if got := p.Decide(tt.op).String(); got != tt.want {
			t.Errorf("Decide(%v %x) = %s; want %s", tt.op, tt.op.Args, got, tt.want)
		}
	}
}

func TestProfileActions(t *testing.T) {
	entry := func(action, rest string) string {
		return fmt.Sprintf(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["times", "ptrace"], "action": "SCMP_ACT_%s"%s}]}`, action, rest)
	}
	tests := []struct{ text, want, asked string }{
		{entry("ALLOW", ""), "deny with EPERM by default", ""},
		{entry("LOG", ""), "deny with EPERM by default", ""},
		{entry("NOTIFY", ""), "deny with EPERM by default", "times"},
		{entry("ERRNO", ""), "deny with EPERM by [seccomp] p.json", "times"},
		{entry("ERRNO", `, "errnoRet": 13`), "deny with EACCES by [seccomp] p.json", "times"},
		{entry("TRACE", `, "errnoRet": 13`), "deny with ENOSYS by [seccomp] p.json", "times"},
		{entry("TRAP", ""), "kill by [seccomp] p.json", "times"},
		{entry("KILL", ""), "kill by [seccomp] p.json", "times"},
		{entry("KILL_THREAD", ""), "kill by [seccomp] p.json", "times"},
		{entry("KILL_PROCESS", ""), "kill by [seccomp] p.json", "times"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["times", "ptrace"], "action": "SCMP_ACT_ALLOW"},
			{"name": "ptrace", "action": "SCMP_ACT_KILL"}, {"name": "ptrace", "action": "SCMP_ACT_ERRNO"}]}`, "kill by [seccomp] p.json", ""},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ptrace", "times"], "action": "SCMP_ACT_KILL",
			"args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 7, "op": "SCMP_CMP_EQ"}]}]}`, "kill by [seccomp] p.json", "times"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["clone3", "mbind"], "action": "SCMP_ACT_ERRNO"},
			{"names": ["ioctl"], "action": "SCMP_ACT_NOTIFY"}]}`, "deny with EPERM by default", "ioctl"},
	}
	for _, tt := range tests {
		p := withProfile(t, tt.text)
		d := p.Decide(Operation{Kind: KindSyscall, Target: "ptrace", Syscall: "ptrace", Args: [6]uint64{7}})
		if d.String() != tt.want {
			t.Errorf("%s: Decide(ptrace) = %v; want %s", tt.text, d, tt.want)
		}
		if got := p.Shape(Shape{}).Asked; got != tt.asked {
			t.Errorf("%s: Asked = %q; want %q", tt.text, got, tt.asked)
		}
	}
}

// TestProfileWarns: what cannot be honoured is said.
func TestProfileWarns(t *testing.T) {
	p := withProfile(t, `{"defaultAction": "SCMP_ACT_LOG", "listenerPath": "/run/x", "flags": ["SECCOMP_FILTER_FLAG_TSYNC"], "syscalls": [
		{"names": ["madvise"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 5, "op": "SCMP_CMP_LT"}]},
		{"names": ["madvise"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 5, "op": "SCMP_CMP_GE"}]},
		{"names": ["mount"], "action": "SCMP_ACT_ALLOW"}]}`)
	want := []string{"SCMP_ACT_LOG counts", "SCMP_ACT_ALLOW opens nothing", "refused for all arguments", "listenerPath", "flags"}
	got := p.Warnings()
	if len(got) != len(want) {
		t.Fatalf("Warnings() = %q; want %d", got, len(want))
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) {
			t.Errorf("Warnings()[%d] = %q; want %q", i, got[i], w)
		}
	}
}

func TestProfileRefused(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{`, "unexpected EOF"},
		{`{} {}`, "follows"},
		{`{}`, `unknown action ""`},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "x": 1}`, "unknown field"},
		{`{"defaultAction": "SCMP_ACT_ERRNO"}`, "it does not allow"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["futex"], "action": "SCMP_ACT_NOTIFY"}]}`, "it does not allow futex"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_KILL"}]}`, "no names"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}]}`, "would not refuse"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5000}]}`, "would not refuse"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_KILL", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]}]}`, "argument 6"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "op": "SCMP_CMP_IS"}]}]}`, "operator"},
		{`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_KILL", "excludes": {"minKernel": "9.9"}}]}`, "kernel version"},
	}
	for _, tt := range tests {
		p, _, err := readProfile("p.json", []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || p != nil {
			t.Errorf("readProfile(%s) = %v; want %q", tt.text, err, tt.want)
		}
	}
}

// TestImplies tries what is said about all values on many.
func TestImplies(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	small := func() uint64 { return r.Uint64N(8) }
	for range 20_000 {
		ours := test{mask: small()}
		ours.want = small() & ours.mask
		if r.IntN(4) == 0 {
			ours = test{below: true, want: 1 + r.Uint64N(7)}
		} else if r.IntN(2) == 0 {
			ours.mask |= ^uint64(7) // nothing above
		}
		c := specs.LinuxSeccompArg{Value: small(), ValueTwo: small(), Op: comparisons[r.IntN(len(comparisons))]}
		all, none := true, true
		for v := range uint64(64) {
			if ours.below && v < ours.want || !ours.below && v&ours.mask == ours.want {
				all, none = all && compare(c, v), none && !compare(c, v)
			}
		}
		if implies(ours, c) && !all {
			t.Fatalf("implies(%+v, %+v) = true; it does not hold for all values", ours, c)
		}
		if excludes(ours, c) && !none {
			t.Fatalf("excludes(%+v, %+v) = true; some value passes both", ours, c)
		}
	}
}

// TestAskedFilter: what a policy takes from the filter's list is asked, and
// nothing else changes.
func TestAskedFilter(t *testing.T) {
	plain := Shape{Threads: true, GrantLow: testLow, GrantHigh: testHigh}
	asking := plain
	asking.Asked = "clone3 getpid madvise"
	before, after := mustCompile(t, plain), mustCompile(t, asking)
	for nr := range uint32(500) {
		d := data{nr: nr, arch: archAMD64}
		was, is := actionName(decide(t, before, d)), actionName(decide(t, after, d))
		want := was
		if slices.Contains(strings.Fields(asking.Asked), Name(int(nr))) {
			want = "ask"
		}
		if is != want {
			t.Errorf("filter(%s) = %s; want %s", Name(int(nr)), is, want)
		}
	}
	if dump := asking.Dump(); strings.Contains(dump, " madvise ") || strings.Contains(dump, "clone3 ") && !strings.Contains(dump, "also asked: clone3") {
		t.Errorf("Dump() = %s; want no word of what is asked", dump)
	}
	for _, bad := range []string{"getpid clone", "read", " getpid", "getpid  times"} {
		if _, err := (Shape{Asked: bad}).Compile(); err == nil {
			t.Errorf("Compile with Asked %q = nil; want an error", bad)
		}
	}
}

// FuzzProfile: a profile only ever narrows, and the filter that it asks for
// can be made.
func FuzzProfile(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(dockerLike, filterList("mseal"))), uint16(unix.SYS_OPENAT), uint64(0))
	f.Add([]byte(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["openat"], "action": "SCMP_ACT_KILL",
		"args": [{"index": 0, "value": 1, "op": "SCMP_CMP_MASKED_EQ"}]}]}`), uint16(unix.SYS_OPENAT), uint64(1))
	f.Fuzz(func(t *testing.T, text []byte, nr uint16, arg uint64) {
		profile, _, err := readProfile("p.json", text)
		if err != nil {
			return
		}
		p, err := Preset("compute")
		if err == nil {
			p, err = p.WithRead("/srv/data", fakeHost)
		}
		if err != nil {
			t.Fatal(err)
		}
		with := p
		with.profile = profile
		for _, k := range Kinds() {
			op := Operation{Kind: k, Target: "/srv/data/x", Syscall: Name(int(nr)), Args: [6]uint64{arg}}
			before, after := p.Decide(op), with.Decide(op)
			if after != before && after.Effect != Deny && after.Effect != Kill {
				t.Errorf("Decide(%v) = %v with the profile, %v without; want no more", op, after, before)
			}
		}
		if _, err := with.Shape(Shape{Threads: true}).Compile(); err != nil {
			t.Errorf("Compile = %v; want a filter", err)
		}
	})
}
