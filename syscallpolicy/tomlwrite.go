package syscallpolicy

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/sys/unix"
)

// The form of policy files for writing. What stands in them is escaped by the
// library and never put together as text.
type tomlDocument struct {
	Preset    string         `toml:"preset,omitempty"`
	Limits    map[string]any `toml:"limits,omitempty"`
	Modules   *tomlModules   `toml:"modules,omitempty"`
	Seccomp   *tomlSeccomp   `toml:"seccomp,omitempty"`
	Operation []tomlRule     `toml:"operation,omitempty"`
}

type tomlModules struct {
	Allow []string `toml:"allow"`
}

type tomlSeccomp struct {
	Profile string `toml:"profile"`
}

type tomlRule struct {
	Kind     any    `toml:"kind"` // a text or several
	Path     string `toml:"path,omitempty"`
	Module   string `toml:"module,omitempty"`
	Address  string `toml:"address,omitempty"`
	Function string `toml:"function,omitempty"`
	Syscall  string `toml:"syscall,omitempty"`
	Write    bool   `toml:"write,omitempty"`
	Decision string `toml:"decision"`
	Errno    string `toml:"errno,omitempty"`

	// Exactly one of them is there for a virtual file, which may be empty.
	Content *string `toml:"content,omitempty"`
	Bytes   *string `toml:"bytes,omitempty"`
}

func newTOMLRule(r Rule) tomlRule {
	t := tomlRule{Decision: r.Effect.String(), Write: r.Write}
	var words []string
	for _, k := range r.Kinds.Kinds() {
		words = append(words, k.String())
	}
	if t.Kind = words; len(words) == 1 {
		t.Kind = words[0]
	}
	switch r.Kinds.Kinds()[0].Subject() {
	case "path":
		t.Path = r.Target
	case "module":
		t.Module = r.Target
	case "address":
		t.Address = r.Target
	case "function":
		t.Function = r.Target
	case "syscall":
		t.Syscall = r.Target
	}
	if r.Errno != 0 {
		t.Errno = unix.ErrnoName(r.Errno)
	}
	if r.Effect == Virtual && utf8.ValidString(r.Content) {
		t.Content = &r.Content
	} else if r.Effect == Virtual {
		coded := base64.StdEncoding.EncodeToString([]byte(r.Content))
		t.Bytes = &coded
	}
	return t
}

func encodeRules(rules ...Rule) (string, error) {
	var d tomlDocument
	for _, r := range rules {
		d.Operation = append(d.Operation, newTOMLRule(r))
	}
	text, err := toml.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("encode rule: %w", err)
	}
	return string(text), nil
}

// inlineRule is a rule on one line, for messages.
func inlineRule(r Rule) string {
	text, err := encodeRules(r)
	if err != nil {
		return ""
	}
	return strings.Join(strings.Split(strings.TrimSpace(text), "\n"), " ")
}

// commented makes comments of whole lines. The library leaves no control
// character in what it writes, so every line of the text is one of these.
func commented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(restingMark + line)
	}
	return b.String()
}

// restingMark begins the lines of a rule that is not active.
const restingMark = "# "

// uncommented makes the rules of a learned file active.
func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimPrefix(line, restingMark))
	}
	return b.String()
}

// document gives what a policy file says that is like p: its preset, its
// limits where they are not the default ones, modules beyond the preset's,
// the profile. add are modules to allow besides.
func (p Policy) document(add []string) tomlDocument {
	d := tomlDocument{Preset: p.preset, Limits: map[string]any{}}
	for _, f := range limitFields {
		switch v := f.get(p.limits); {
		case v == f.get(DefaultLimits()) || p.limits.Check() != nil:
		case f.size != nil || f.time != nil:
			d.Limits[f.name] = p.limits.Text(f.name)
		default:
			d.Limits[f.name] = v
		}
	}
	have := p.Modules()
	preset, err := Preset(p.preset)
	ofPreset := preset.Modules()
	// A module of the preset's that no rule speaks of: the list was replaced.
	unknown := func(m string) bool { return p.Decide(Operation{Kind: KindImport, Target: m}).Rule == byDefault }
	if err != nil || slices.ContainsFunc(ofPreset, unknown) {
		d.Preset, ofPreset = "none", nil
	}
	have = slices.DeleteFunc(append(have, add...), func(m string) bool { return slices.Contains(ofPreset, m) })
	slices.Sort(have)
	if have = slices.Compact(have); len(have) > 0 {
		d.Modules = &tomlModules{Allow: have}
	}
	if p.profile != nil {
		d.Seccomp = &tomlSeccomp{Profile: p.profile.title()}
	}
	return d
}
