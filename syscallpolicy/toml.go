package syscallpolicy

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of policy files. They are the operator's, so these catch the wrong
// file, not an attack.
const (
	maxPolicyFile = 1 << 20
	maxRules      = 1000
	maxErrors     = 20
)

// FileError is a mistake in a policy file. Its text is one line: where it is,
// what is wrong and what to write instead.
type FileError struct {
	File string
	Line int // 0 when it has no place
	Text string
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// Load reads a policy file. Its errors are FileErrors, joined. With look, the
// paths that it grants must be there; nil checks the text alone.
func Load(name string, look Lookup) (Policy, error) {
	text, err := readBounded(name)
	if err != nil {
		return Policy{}, &FileError{File: name, Text: err.Error()}
	}
	return Parse(name, text, look)
}

// Parse is Load for text that was read already; name is where it came from,
// and profiles that it names lie beside that.
func Parse(name string, text []byte, look Lookup) (Policy, error) {
	r := reader{file: name, look: look}
	if len(text) > maxPolicyFile {
		return Policy{}, &FileError{File: name, Text: fmt.Sprintf("longer than %d bytes; is this the policy?", maxPolicyFile)}
	}
	if !utf8.Valid(text) {
		return Policy{}, &FileError{File: name, Text: "not UTF-8; a path that is none cannot be written here, give it by --read or --write"}
	}
	root, err := parseTOML(name, text)
	if err != nil {
		return Policy{}, err
	}
	p := r.policy(root)
	if len(r.errs) > 0 {
		return Policy{}, r.joined()
	}
	return p, nil
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPolicyFile+1))
	if err != nil {
		return nil, bare(err)
	}
	if len(text) > maxPolicyFile {
		return nil, fmt.Errorf("longer than %d bytes", maxPolicyFile)
	}
	return text, nil
}

// bare leaves the path out of an error that will be told with it.
func bare(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}

// reader turns the tables of a file into a policy and keeps every mistake.
type reader struct {
	file string
	look Lookup
	errs []*FileError
}

func (r *reader) fail(line int, format string, args ...any) {
	r.errs = append(r.errs, &FileError{r.file, line, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ")})
}

func (r *reader) joined() error {
	slices.SortStableFunc(r.errs, func(a, b *FileError) int { return cmp.Compare(a.Line, b.Line) })
	var list []error
	for i, e := range r.errs {
		if i == maxErrors {
			list = append(list, &FileError{File: r.file, Text: fmt.Sprintf("and %d other mistakes", len(r.errs)-i)})
			break
		}
		list = append(list, e)
	}
	return errors.Join(list...)
}

func (r *reader) policy(root *tomlTable) Policy {
	r.known(root, "the file", "preset", "limits", "modules", "operation", "file", "seccomp")
	p := r.preset(root)
	p.limits = r.limits(root, p.limits)
	rules := r.files(root)
	rules = append(rules, r.operations(root, rules)...)
	rules = append(rules, r.modules(root, rules)...)
	p = p.withRules(append(rules, p.rules...))
	for _, c := range rules {
		if why := p.neverAsked(c); why != "" {
			r.fail(c.line, "%s", why)
		}
	}
	r.profile(root, &p)
	return p
}

// preset gives the policy that the file builds on.
func (r *reader) preset(root *tomlTable) Policy {
	name := DefaultPreset
	n := root.get("preset")
	if n != nil {
		text, ok := n.value.(string)
		if !ok {
			r.fail(n.line, "preset is no text; write it in quotes")
			text = DefaultPreset
		}
		name = text
	}
	p, err := Preset(name)
	if err != nil {
		r.fail(n.line, "%v", err)
		p.limits = DefaultLimits()
	}
	return p
}

func (r *reader) limits(root *tomlTable, l Limits) Limits {
	t := r.table(root, "limits")
	r.known(t, "[limits]", LimitNames()...)
	for _, f := range limitFields {
		n := t.get(f.name)
		if n == nil {
			continue
		}
		v, err := f.value(n.value)
		if err == nil {
			changed := l
			f.set(&changed, v)
			if err = changed.Check(); err == nil {
				l = changed
			}
		}
		if err != nil {
			r.fail(n.line, "[limits] %v", named(f.name, err))
		}
	}
	return l
}

// named begins an error with the limit's name once.
func named(name string, err error) error {
	if strings.HasPrefix(err.Error(), name) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func (r *reader) modules(root *tomlTable, before []compiled) []compiled {
	t := r.table(root, "modules")
	r.known(t, "[modules]", "allow")
	var list []compiled
	for _, n := range r.texts(t.get("allow"), "[modules] allow", `allow = ["scipy"]`) {
		rules, err := moduleRules(r.origin(n.line), []string{n.value.(string)})
		if err != nil {
			r.fail(n.line, "[modules] allow: %v", err)
			continue
		}
		c, err := rules[0].compile(fromFile, nil)
		if err != nil {
			r.fail(n.line, "[modules] allow: %v", err)
			continue
		}
		c.line = n.line
		if why := neverMatches(append(slices.Clip(before), append(list, c)...)); why != "" {
			r.fail(n.line, "[modules] allow of %s: %s", c.Target, why)
		}
		list = append(list, c)
	}
	return list
}

func (r *reader) origin(line int) string { return fmt.Sprintf("%s:%d", r.file, line) }

// files are rules of their own kind, before the others: nobody writes down a
// file that exists nowhere so that a broader rule hides it.
func (r *reader) files(root *tomlTable) []compiled {
	var list []compiled
	for _, t := range r.tables(root, "file") {
		r.known(t, "[[file]]", "path", "content", "bytes")
		rule := Rule{Kinds: KindsOf(KindOpen, KindStat), Effect: Virtual, Origin: r.origin(t.line)}
		if n := t.get("path"); n == nil {
			r.fail(t.line, `[[file]] has no path; write one like path = "/config.json"`)
			continue
		} else {
			rule.Target = EscapePattern(r.text(n, "path"))
		}
		rule.Content = r.content(t, "[[file]]")
		list = r.add(list, rule, t.line, t.lineOf("path"))
	}
	return list
}

// content reads what a virtual file contains, as text or in base64.
func (r *reader) content(t *tomlTable, where string) string {
	text, coded := t.get("content"), t.get("bytes")
	switch {
	case text != nil && coded != nil:
		r.fail(coded.line, "%s has both content and bytes; leave one out", where)
	case text != nil:
		return r.text(text, "content")
	case coded != nil:
		b, err := base64.StdEncoding.DecodeString(r.text(coded, "bytes"))
		if err != nil {
			r.fail(coded.line, "bytes are not base64 (%v); write text as content", err)
		}
		return string(b)
	default:
		r.fail(t.line, `%s has no content; write content = "text", or bytes = "base64"`, where)
	}
	return ""
}

// add checks a rule and appends it. at is where its target stands.
func (r *reader) add(list []compiled, rule Rule, line, at int) []compiled {
	c, err := rule.compile(fromFile, r.look)
	if err != nil {
		r.fail(at, "%v", err)
		return list
	}
	c.line = line
	list = append(list, c)
	if why := neverMatches(list); why != "" {
		r.fail(line, "%s", why)
	}
	return list
}

func (r *reader) profile(root *tomlTable, p *Policy) {
	t := r.table(root, "seccomp")
	r.known(t, "[seccomp]", "profile")
	n := t.get("profile")
	if n == nil {
		return
	}
	name := r.text(n, "profile")
	if name == "" {
		return
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(r.file), name)
	}
	data, err := readBounded(name)
	if err != nil {
		r.fail(n.line, "[seccomp] profile %s: %v", name, err)
		return
	}
	var warnings []string
	if p.profile, warnings, err = readProfile(name, data); err != nil {
		r.fail(n.line, "[seccomp] profile %v", err)
	}
	p.warnings = append(p.warnings, warnings...)
}
