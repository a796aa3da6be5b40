// Package imports tests which package may import which. The rules keep the
// walls readable: what is trusted with hostile bytes stays small, and what a
// child needs does not grow into the supervisor.
package imports

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "hotcell"

// rule says what a package (with all below it) may import of this project.
type rule struct {
	pkg   string
	allow []string
	why   string
}

var rules = []rule{
	{"internal", []string{"internal"}, "test helpers and small tools serve everybody"},
	{"shm", []string{"shm"}, "a leaf: bounds arithmetic on hostile references is read and fuzzed alone"},
	{"vm", nil, "a leaf: what an interpreter needs is asked before there is a sandbox"},
	{"syscallpolicy", nil, "a leaf: a policy is a value that needs no process"},
	{"ipc", []string{"shm", "syscallpolicy", "internal/fdcheck"}, "the wire knows array references and kinds of operations, and nothing of processes"},
	{"child", []string{"syscallpolicy", "vm"}, "what runs between namespaces and interpreter must be small enough to read at one go"},
	{"supervisor/cgroup", nil, "control groups are usable, and tested, without a sandbox"},
	{"supervisor", []string{"child", "ipc", "shm", "supervisor", "syscallpolicy", "vm"}, "the product as a library: no command line in it"},
	{"bench", []string{"child", "client", "ipc", "shm", "supervisor", "syscallpolicy", "vm"}, "measures the product through its interfaces; it is a supervisor too, and so its own child"},
	{"cmd/hotcell", []string{"child", "client", "cmd/hotcell", "ipc", "shm", "supervisor", "syscallpolicy", "vm"}, "words for humans, on top of all"},
}

// external are the modules that may be imported, and by which packages.
var external = map[string]struct {
	by  []string
	why string
}{
	"golang.org/x/sys":                       {nil, "system calls; prescribed"},
	"github.com/seccomp/libseccomp-golang":   {[]string{"syscallpolicy"}, "compiles the filter; prescribed, and needs cgo: in one place"},
	"github.com/containerd/cgroups/v3":       {[]string{"supervisor/cgroup"}, "control groups; prescribed"},
	"github.com/opencontainers/runtime-spec": {[]string{"supervisor/cgroup", "syscallpolicy"}, "the types of containerd/cgroups, and of OCI seccomp profiles"},
	"github.com/godbus/dbus/v5":              {[]string{"supervisor/cgroup"}, "systemd's transient scopes"},
	"github.com/spf13/cobra":                 {[]string{"cmd/hotcell"}, "commands, flags, completion"},
	"github.com/spf13/pflag":                 {[]string{"cmd/hotcell"}, "flags with values of their own"},
	"github.com/docker/go-units":             {[]string{"cmd/hotcell", "syscallpolicy"}, "sizes as people write them"},
	"github.com/pelletier/go-toml/v2":        {[]string{"syscallpolicy"}, "policy files, with positions in errors"},
	"github.com/rogpeppe/go-internal":        {[]string{"cmd/hotcell"}, "test scripts"},
	"golang.org/x/net":                       {[]string{"syscallpolicy"}, "a BPF machine for tests of the filter"},
	"golang.org/x/term":                      {[]string{"cmd/hotcell"}, "is it a terminal"},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-test", "-f", `{{.ImportPath}}{{"\t"}}{{join .Imports " "}}`, module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), "\t")
		path, _, _ = strings.Cut(path, " ") // "p [p.test]"
		pkg := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(path, module+"/"), ".test"), "_test")
		for imported := range strings.FieldsSeq(imports) {
			// A test binary imports its own package's outside tests.
			check(t, pkg, strings.TrimSuffix(imported, "_test"))
		}
	}
}

func check(t *testing.T, pkg, imported string) {
	t.Helper()
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case first == module:
		checkOwn(t, pkg, strings.TrimPrefix(imported, module+"/"))
	case strings.Contains(first, "."):
		checkExternal(t, pkg, imported)
	}
}

func checkOwn(t *testing.T, pkg, imported string) {
	t.Helper()
	if imported == pkg || strings.HasPrefix(imported, "internal/") {
		return
	}
	r, ok := ruleFor(pkg)
	if !ok {
		t.Errorf("%s: no rule says what it may import; add one with its reason", pkg)
		return
	}
	if !within(imported, r.allow) {
		t.Errorf("%s imports %s; it may not, because: %s", pkg, imported, r.why)
	}
}

// ruleFor gives the rule of the longest matching path.
func ruleFor(pkg string) (rule, bool) {
	var best rule
	for _, r := range rules {
		if within(pkg, []string{r.pkg}) && len(r.pkg) > len(best.pkg) {
			best = r
		}
	}
	return best, best.pkg != ""
}

func checkExternal(t *testing.T, pkg, imported string) {
	t.Helper()
	for path, e := range external {
		if imported == path || strings.HasPrefix(imported, path+"/") {
			if e.by != nil && !within(pkg, e.by) {
				t.Errorf("%s imports %s; only %v may: %s", pkg, imported, e.by, e.why)
			}
			return
		}
	}
	t.Errorf("%s imports %s, which is on no list; a new dependency needs a reason here and in DESIGN.md", pkg, imported)
}

// within tells whether path is one of the roots or below one.
func within(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") })
}
