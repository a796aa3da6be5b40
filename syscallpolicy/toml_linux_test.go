//go:build amd64

package syscallpolicy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// policies is the directory of the project's example policies.
const policies = "../testdata/policies"

// fakeHost is a machine with a few paths.
func fakeHost(name string) (string, bool, error) {
	switch name {
	case "/", "/data", "/mnt", "/mnt/disk", "/proc", "/srv", "/srv/data", "/srv/out", "/srv/private":
		return name, true, nil
	case "/data/file", "/mnt/disk/x", "/proc/cpuinfo", "/srv/data/x.csv":
		return name, false, nil
	case "/link", "/data/link":
		return "/mnt/disk", true, nil
	case "/data/current":
		return "/mnt/disk/x", false, nil
	}
	return "", false, fmt.Errorf("lstat %s: %w", name, fs.ErrNotExist)
}

// golden compares text with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what it was:\n%s\nwant:\n%s", file, got, want)
	}
}

// TestBadPolicies reads every policy in testdata/policies/bad: each must be
// refused, and errors.golden says with which lines.
func TestBadPolicies(t *testing.T) {
	files, err := filepath.Glob(policies + "/bad/*.toml")
	if err != nil || len(files) < 15 {
		t.Fatalf("Glob = %d files, %v; want the bad policies", len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		p, err := Load(file, fakeHost)
		if err == nil {
			t.Errorf("Load(%s) = %v; want an error", file, p)
			continue
		}
		if got := p.Decide(Operation{Kind: KindImport, Target: "numpy"}); got.Effect != Deny {
			t.Errorf("Load(%s) with an error decides %v; want nothing allowed", file, got)
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, file+":") {
				t.Errorf("Load(%s): %q; want every line to begin with the file", file, line)
			}
			all.WriteString(strings.TrimPrefix(line, policies+"/bad/") + "\n")
		}
	}
	golden(t, policies+"/bad/errors.golden", strings.ReplaceAll(all.String(), policies+"/bad/", ""))
}

// TestGoodPolicies reads every other policy and compares what it means.
func TestGoodPolicies(t *testing.T) {
	files, err := filepath.Glob(policies + "/*.toml")
	if err != nil || len(files) < 2 {
		t.Fatalf("Glob = %d files, %v; want the policies", len(files), err)
	}
	for _, file := range files {
		p, err := Load(file, fakeHost)
		if err != nil {
			t.Errorf("Load(%s) = %v; want none", file, err)
			continue
		}
		text := strings.ReplaceAll(p.Dump(), policies+"/", "")
		golden(t, strings.TrimSuffix(file, ".toml")+".golden", text)
	}
}

func TestLoadRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	many := strings.Repeat("[[operation]]\nkind = 'fork'\ndecision = 'kill'\n", maxRules+1)
	tests := []struct{ file, want string }{
		{filepath.Join(dir, "nosuch.toml"), "no such file"},
		{dir, "is a directory"},
		{write("long.toml", "# "+strings.Repeat("x", maxPolicyFile)), "longer than"},
		{write("latin1.toml", "preset = '\xe9'"), "not UTF-8"},
		{write("many.toml", many), "more than 1000 rules"},
		{write("mistakes.toml", strings.Repeat("[[operation]]\nkind = 'x'\ndecision = 'kill'\n", 30)), "10 other mistakes"},
	}
	for _, tt := range tests {
		_, err := Load(tt.file, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Load(%s) = %v; want %q", tt.file, err, tt.want)
		}
		if _, ok := errors.AsType[*FileError](err); !ok {
			t.Errorf("Load(%s) = %T; want a FileError", tt.file, err)
		}
	}
}

// TestElsewhere: without a look at the machine paths need not be there.
func TestElsewhere(t *testing.T) {
	text := "[[operation]]\nkind = 'open'\npath = '/nosuch/**'\ndecision = 'allow'\n"
	if _, err := Parse("p.toml", []byte(text), fakeHost); err == nil {
		t.Errorf("Parse = nil; want an error for the missing path")
	}
	p, err := Parse("p.toml", []byte(text), nil)
	if err != nil {
		t.Fatalf("Parse without a host = %v; want none", err)
	}
	if got := p.Decide(Operation{Kind: KindOpen, Target: "/nosuch/a/b"}); got.Effect != Allow || got.Root != "/nosuch" || got.Below != "a/b" {
		t.Errorf("Decide = %+v; want allow below /nosuch", got)
	}
}

// FuzzParse: whatever the text is, there is a policy or messages of one line
// with their place, and a policy without a rule allows no file.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(policies + "/*.toml")
	bad, _ := filepath.Glob(policies + "/bad/*.toml")
	for _, file := range append(files, bad...) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("p.toml", text, nil)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "p.toml:") {
					t.Errorf("Parse = %q; want every line to say where", line)
				}
			}
			return
		}
		p.Dump()
		d := p.Decide(Operation{Kind: KindOpen, Target: "/etc/passwd"})
		if d.Effect == Allow && !strings.Contains(string(text), "allow") {
			t.Errorf("Decide = %v; want no allow that nobody wrote", d)
		}
	})
}
