package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peer is another way to run a Python program in a sandbox, as a command whose
// arguments end where the program's begin.
type peer struct {
	name     string
	argv     []string
	isolates string
}

// peers that are looked for; those that are not installed or do not run here are
// named and left out.
var peers = []peer{
	{"bubblewrap", []string{"bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"}, "namespaces, root"},
	{"nsjail", []string{"nsjail", "-q", "-Mo", "--chroot", "/", "--disable_proc", "--"}, "namespaces, rlimits"},
	{"firejail", []string{"firejail", "--quiet", "--noprofile", "--net=none", "--seccomp"}, "namespaces, seccomp"},
	{"gVisor, runsc do", []string{"runsc", "-ignore-cgroups", "-network=none", "do"}, "a kernel of its own"},
	{"unshare", []string{"unshare", "-Urmpinf", "--mount-proc"}, "namespaces"},
}

// processes are launches of a whole interpreter that imports numpy: "hotcell
// run", bare Python, and what else a user would take.
func (b *launchBench) processes(ctx context.Context) error {
	model, err := b.work.put("models/trivial.py")
	if err != nil {
		return err
	}
	program := []string{b.options.python, "-c", "import numpy"}
	ways := []peer{
		{"hotcell run, cold", []string{b.options.hotcell, "run", "-q", "--interpreter", b.options.python, model}, "every layer"},
		{"python3 -c 'import numpy'", program, "nothing"},
	}
	for _, p := range append(peers, b.crun(ctx)...) {
		if path, err := exec.LookPath(p.argv[0]); err != nil {
			b.table.note("%s is not installed", p.name)
			continue
		} else if p.argv[0] != "crun" {
			p.argv = append(append([]string{path}, p.argv[1:]...), program...)
		}
		ways = append(ways, p)
	}
	times := make([]sample, len(ways))
	var cold pair
	for round := -1; round < b.options.rounds*3; round++ {
		for i, way := range ways {
			if way.argv == nil {
				continue
			}
			took, err := timed(ctx, way.argv)
			if err != nil && i > 1 {
				line, _, _ := strings.Cut(err.Error(), "\n")
				b.table.note("%s does not run here: %s", way.name, line)
				ways[i].argv = nil
				continue
			}
			if err != nil {
				return err
			}
			if round >= 0 { // the first fills caches
				times[i] = append(times[i], took*1e6)
			}
		}
		if n := len(times[0]); n > 0 {
			cold.add(times[0][n-1:], times[1][n-1:])
		}
	}
	for i, way := range ways {
		if len(times[i]) > 0 {
			b.table.add(way.name, times[i], way.isolates)
		}
	}
	b.table.note("hotcell run to bare python: %.3f (smallest to smallest %.3f), at most 1.10", cold.ratios.median(), cold.ours.min()/cold.theirs.min())
	return nil
}

// crun makes a bundle for it, if it is there.
func (b *launchBench) crun(ctx context.Context) []peer {
	if _, err := exec.LookPath("crun"); err != nil {
		return []peer{{name: "crun", argv: []string{"crun"}}}
	}
	bundle := filepath.Join(b.work.dir, "bundle")
	if err := os.MkdirAll(bundle, 0o755); err != nil {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "sh", "-c", "cd "+bundle+" && crun spec").CombinedOutput(); err != nil {
		b.table.note("crun does not run here: %v %s", err, out)
		return nil
	}
	config := filepath.Join(bundle, "config.json")
	data, err := os.ReadFile(config)
	if err != nil {
		return nil
	}
	text := strings.NewReplacer(`"terminal": true`, `"terminal": false`, `"path": "rootfs"`, `"path": "/"`,
		`"sh"`, fmt.Sprintf(`%q, "-c", "import numpy"`, b.options.python)).Replace(string(data))
	if os.WriteFile(config, []byte(text), 0o644) != nil {
		return nil
	}
	return []peer{{"crun", []string{"crun", "run", "--bundle", bundle, "hotcell-bench"}, "namespaces, root, cgroup"}}
}
