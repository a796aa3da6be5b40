package supervisor

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hotcell/ipc"
)

// drawModel draws from every source of randomness that a fork could repeat.
const drawModel = `import os, random, secrets, tempfile, uuid
import numpy as np
def model():
    return " ".join(str(x) for x in (
        random.random(), np.random.rand(), np.random.default_rng().random(), os.urandom(8).hex(),
        secrets.token_hex(8), uuid.uuid4(), next(tempfile._get_candidate_names())))
`

// draws are the drawn values of several sandboxes of one template, two of which
// were ready and the others forked on demand.
func draws(t *testing.T, seed *uint64) (all [][]string) {
	s := pooled(t, Options{}, PoolOptions{Ready: 2, MaxReady: 2})
	spec := testSpec(t, drawModel)
	spec.Seed = seed
	if err := s.Warm(t.Context(), spec, 2); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		m := launchFrom(t, s, spec)
		all = append(all, strings.Fields(callText(t, m)))
		m.Close()
	}
	if stats := one(t, s); stats.Forks < 5 {
		t.Fatalf("%d forks of the template for 5 models", stats.Forks)
	}
	return all
}

// Sandboxes of one template draw different numbers, whatever from.
func TestSiblingsDrawDifferentNumbers(t *testing.T) {
	all := draws(t, nil)
	for i := range all[0] {
		seen := map[string]bool{}
		for _, values := range all {
			if seen[values[i]] {
				t.Errorf("source %d gave two sandboxes %s", i, values[i])
			}
			seen[values[i]] = true
		}
	}
}

// With a seed they draw the same, from a pool and from a template of their own.
func TestSeedReproducesAcrossSiblings(t *testing.T) {
	seed := uint64(7)
	all := draws(t, &seed)
	spec := testSpec(t, drawModel)
	spec.Seed = &seed
	alone := launchFrom(t, testSupervisor(t), spec)
	defer alone.Close()
	all = append(all, strings.Fields(callText(t, alone)))
	const own = 5 // uuid4 and tempfile draw through os.urandom and random too
	for n, values := range all[1:] {
		if !slices.Equal(values[:own], all[0][:own]) {
			t.Errorf("sandbox %d drew %v; want %v", n+1, values, all[0])
		}
	}
}

// searchModel looks for a word of another model's everywhere in its process: in
// all objects, its environment, its frames and its open descriptors.
const searchModel = `import gc, os, sys
def model(word=""):
    found = []
    if word in repr(dict(os.environ)): found.append("environment")
    frame = sys._getframe()
    while frame:
        if word in repr(frame.f_locals.keys()) : found.append("frame")
        frame = frame.f_back
    for name in list(sys.modules):
        if word in name: found.append("module " + name)
    for o in gc.get_objects():
        try:
            if type(o) is dict and any(type(k) is str and word in k or type(v) is str and word in v for k, v in list(o.items()) if v is not word):
                if o is not globals() and o is not locals(): found.append("dict")
        except Exception:
            pass
    open_ = []
    for fd in range(64):
        try:
            os.fstat(fd); open_.append(fd)
        except OSError as e:
            if e.errno != 9: open_.append(fd)
    return " ".join(found) + "|" + " ".join(map(str, open_))
`

// A sandbox knows nothing of the models before it, of its own pool and template.
func TestNothingOfAnotherModel(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1, MaxReady: 1})
	const word = "zanzibar"
	before := testSpec(t, "import hotcell\n"+word+" = '"+word+"'\ndef model():\n    return "+word+"\n")
	before.Files = append(before.Files, SourceFile{Module: word, Path: word + ".py", Source: []byte("x = '" + word + "'\n")})
	before.Env = []string{"SECRET=" + word}
	after := testSpec(t, searchModel)
	for range 3 {
		first := launchFrom(t, s, before)
		if got := callText(t, first); got != word {
			t.Fatalf("the model gave %q", got)
		}
		second := launchFrom(t, s, after) // beside it
		look(t, second, word)
		first.Close()
		third := launchFrom(t, s, after) // after it
		look(t, third, word)
	}
	if n := one(t, s); n.Forks < 9 {
		t.Errorf("%d forks for 9 models", n.Forks)
	}
}

func look(t *testing.T, m *Model, word string) {
	t.Helper()
	defer m.Close()
	results, err := m.Call(t.Context(), Call{Inputs: []Input{{Name: "word", Value: ipc.Value{Kind: ipc.KindText, Text: word}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer results.Close()
	found, open, _ := strings.Cut(results.Values[0].Value.Text, "|")
	if found != "" {
		t.Errorf("of another model is there: %s", found)
	}
	if open != "0 1 2 3 4" {
		t.Errorf("open descriptors: %s; want 0 to 4", open)
	}
}

// While it waits a sandbox has its own descriptors and one thread, and the
// template holds nothing of it.
func TestReadySandboxHoldsNothing(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1, MaxReady: 1})
	spec := testSpec(t, sumModel)
	if err := s.Warm(t.Context(), spec, 1); err != nil {
		t.Fatal(err)
	}
	s.pools.mu.Lock()
	ready := s.pools.list[0].ready[0]
	s.pools.mu.Unlock()
	for pid, want := range map[int]string{
		ready.pid: `^0 /dev/null 1 pipe 2 pipe 3 socket 4 socket$`,
		// Its pidfd, and none of its sockets or pipes.
		ready.template.cmd.Process.Pid: `^0 /dev/null 1 pipe 2 pipe 3 socket \d+ anon_inode$`,
	} {
		if got := descriptorsOf(t, pid); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("process %d holds %s; want %s", pid, got, want)
		}
	}
}

func descriptorsOf(t *testing.T, pid int) string {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int {
		return cmp.Or(len(a.Name())-len(b.Name()), strings.Compare(a.Name(), b.Name()))
	})
	var list []string
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(target, ":")
		list = append(list, e.Name()+" "+kind)
	}
	return strings.Join(list, " ")
}
