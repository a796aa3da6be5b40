//go:build linux

package syscallpolicy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const movableRules = `
[[operation]]
kind = ["open", "list"]
path = "/w/secret/**"
decision = "deny"

[[operation]]
kind = "open"
path = "/w/one/key.pem"
decision = "deny"

[[operation]]
kind = "open"
path = "/w/names/*.key"
decision = "kill"

[[operation]]
kind = "remove"
path = "/w/keep/**"
decision = "deny"

[[operation]]
kind = "open"
path = "/w/deep/**/hidden/**"
decision = "deny"

[[operation]]
kind = "open"
path = "/w/asked/**"
write = true
decision = "ask"

[[operation]]
kind = ["open", "list"]
path = "/w/**"
write = true
decision = "allow"

[[operation]]
kind = ["create", "remove", "rename"]
path = "/w/**"
decision = "allow"

[[operation]]
kind = ["open", "list"]
path = "/r/**"
decision = "allow"

[[operation]]
kind = ["create", "remove", "rename"]
path = "/r/**"
decision = "allow"

[[file]]
path = "/w/virtual/config.json"
content = "{}"
`

func TestMovable(t *testing.T) {
	p, err := Parse("p.toml", []byte(movableRules), nil)
	if err != nil {
		t.Fatal(err)
	}
	const no, file, both = 0, 1, 2 // not at all, only a file, a directory too
	tests := []struct {
		old, new string
		want     int
	}{
		{"/w/a", "/w/b", both},
		{"/w/a", "/w/names/b", both},
		{"/w/names/a.key", "/w/names/b", no},
		{"/w/names/a", "/w/names/b.key", file},
		{"/w/names", "/w/other", file},
		{"/w/secret/a", "/w/a", no},
		{"/w/secret/a", "/w/secret/b", both},
		{"/w/a", "/w/secret/b", both},
		{"/w/secret", "/w/public", no},
		{"/w/one", "/w/two", file},
		{"/w/one/key.pem", "/w/one/key", no},
		{"/w/keep/a", "/w/a", no},
		{"/w/a", "/w/keep/a", both},
		{"/w/deep/x", "/w/deep/y", file},
		{"/w/deep/x", "/w/x", file},
		{"/w/deep/x/hidden/a", "/w/a", no},
		{"/w/deep/x/hidden/a", "/w/deep/hidden/b", both},
		{"/w/asked/a", "/w/b", no},
		{"/w/b", "/w/asked/a", both},
		{"/w/virtual/config.json", "/w/a", no},
		{"/w/virtual", "/w/a", file},
		{"/w/a", "/elsewhere/a", both},
		{"/elsewhere/a", "/w/a", no},
		{"/r/a", "/r/b", both},
		{"/r/a", "/r/deep/er/b", both},
		{"/r/a", "/w/b", no},
		{"/w/a", "/r/b", both},
		{"/r", "/r/b", no}, // making and renaming is granted below a directory only
		{"/r/b", "/r", file},
		{"", "/r/a", no}, {"/r/a", "r/b", no}, {"/r/../etc", "/r/a", no}, {"/r/a", "/r/b\x00", no},
	}
	for _, tt := range tests {
		got := no
		if p.Movable(tt.old, tt.new, false) {
			got = file
		}
		if p.Movable(tt.old, tt.new, true) {
			if got == no {
				t.Errorf("Movable(%q, %q) as a directory and not as a file", tt.old, tt.new)
			}
			got = both
		}
		if got != tt.want {
			t.Errorf("Movable(%q, %q) = %d; want %d", tt.old, tt.new, got, tt.want)
		}
	}
	if (Policy{}).Movable("/a", "/b", false) {
		t.Error("a policy that nobody made lets files be moved")
	}
}

// TestMovableOfFlags: what --write grants can be moved about in it.
func TestMovableOfFlags(t *testing.T) {
	base, err := Preset(DefaultPreset)
	if err != nil {
		t.Fatal(err)
	}
	p := mustWrite(t, mustRead(t, mustWrite(t, base, "/srv/out"), "/srv/data"), "/srv/data")
	for _, to := range []string{"/srv/out/b", "/srv/out/deep/b", "/srv/data/b"} {
		if !p.Movable("/srv/out/a", to, true) {
			t.Errorf("Movable(/srv/out/a, %s) = false; both are granted to be written", to)
		}
	}
	only := mustRead(t, mustWrite(t, base, "/srv/out"), "/srv/data")
	if only.Movable("/srv/data/a", "/srv/out/a", false) {
		t.Error("a file that is granted to be read becomes one to be written")
	}
}

// TestMovableByLink: a rule that was written with a link in it speaks of both
// names.
func TestMovableByLink(t *testing.T) {
	p := parse(t, decideRules)
	for _, tt := range []struct {
		old, new string
		want     bool
	}{
		{"/link/private/a", "/link/b", false}, {"/mnt/disk/private/a", "/mnt/disk/b", false}, {"/link/private/a", "/mnt/disk/b", false},
		{"/mnt/disk/private", "/mnt/disk/b", false}, {"/link/a", "/mnt/disk/b", true}, {"/mnt/disk/a", "/link/b", true},
		{"/link/a", "/mnt/disk/private/b", true},
	} {
		if got := p.Movable(tt.old, tt.new, true); got != tt.want {
			t.Errorf("Movable(%q, %q) = %v; want %v", tt.old, tt.new, got, tt.want)
		}
	}
}

// TestMovableHolds: where a directory is movable, no path below it is allowed
// more after the move. The rules are drawn from few words, so that they meet.
func TestMovableHolds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "b", "*", "**", "?b"}
	names := []string{"a", "b", "ab"}
	draw := func(list []string, most int) string {
		var b strings.Builder
		for range 1 + random.IntN(most) {
			b.WriteString("/" + list[random.IntN(len(list))])
		}
		return b.String()
	}
	var inside []string
	for _, x := range names {
		inside = append(inside, "/"+x)
		for _, y := range names {
			inside = append(inside, "/"+x+"/"+y, "/"+x+"/"+y+"/a", "/"+x+"/"+y+"/b/ab")
		}
	}
	movable := 0
	for range 3000 {
		var text strings.Builder
		for range 1 + random.IntN(4) {
			kind := []string{"open", "list", "create", "stat"}[random.IntN(4)]
			decision := []string{"allow", "deny", "ask"}[random.IntN(3)]
			fmt.Fprintf(&text, "[[operation]]\nkind = %q\npath = %q\ndecision = %q\n", kind, draw(words, 4), decision)
		}
		p, err := Parse("p.toml", []byte(text.String()), nil)
		if err != nil {
			continue // of no sense, or never asked
		}
		old, new := draw(names, 3), draw(names, 3)
		if !p.Movable(old, new, true) {
			continue
		}
		movable++
		for _, below := range append(inside, "") {
			for _, k := range pathKinds.Kinds() {
				before := p.Decide(Operation{Kind: k, Target: old + below})
				after := p.Decide(Operation{Kind: k, Target: new + below})
				if after.Effect.much() > before.Effect.much() {
					t.Fatalf("Movable(%s, %s), but %v of %s is %v and of %s %v; rules\n%s", old, new, k,
						old+below, before, new+below, after, text.String())
				}
			}
		}
	}
	if movable < 100 {
		t.Errorf("only %d of the drawn moves are allowed", movable)
	}
}
