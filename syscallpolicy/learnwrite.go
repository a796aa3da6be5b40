package syscallpolicy

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Write gives the policy file that says what base says and allows what was
// refused as far as it lies in the model's own directory or in the preset's
// list of modules. The rest stands in comments, with the reason.
//
// Before it writes anything it reads what it made and looks whether that is
// what it meant, rule for rule: the names are the model's.
func (l *Learner) Write(w io.Writer, base Policy, modelDir string) error {
	l.mu.Lock()
	list, others := slices.Clone(l.list), l.others
	l.mu.Unlock()
	look := l.Look
	if look == nil {
		look = Host
	}
	d := draft{base: base, look: look}
	d.keep()
	for _, e := range list {
		if err := d.add(e, e.reason(base, modelDir, look)); err != nil {
			return fmt.Errorf("write learned policy: %w", err)
		}
	}
	text, err := d.text(others)
	if err == nil {
		err = d.check(text)
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err != nil {
		return fmt.Errorf("write learned policy: %w", err)
	}
	return nil
}

// draft is a policy file in the making.
type draft struct {
	base    Policy
	look    Lookup
	modules []string
	rules   []compiled // that are active: first those of base
	old     int        // how many those are
	active  strings.Builder
	rest    strings.Builder // what stands in comments
	resting int
	omitted int64 // beyond what is written
}

// keep takes over the rules of base: all but the preset's, the modules (which
// stand in their list), and those that never match now that command line and
// file are one.
func (d *draft) keep() {
	for _, c := range d.base.rules {
		if c.layer == fromPreset || c.Kinds.Has(KindImport) && c.Effect == Allow {
			continue
		}
		if all := append(slices.Clip(d.rules), c); neverMatches(all) == "" {
			d.rules = all
		}
	}
	d.old = len(d.rules)
}

// add puts e where it belongs.
func (d *draft) add(e learned, reason string) error {
	rule, err := e.allow()
	if reason == "" && err == nil && !plain(e.target) {
		reason = "its name has characters that cannot be seen"
	}
	if reason == "" && err == nil && len(d.rules)-d.old+len(d.modules) == maxWritten {
		reason = fmt.Sprintf("only the first %d are active", maxWritten)
	}
	switch {
	case reason == "" && err == nil:
		return d.allow(e, rule)
	case d.resting < maxWritten:
		d.resting++
		return d.comment(e, rule, reason, err)
	}
	d.omitted++
	return nil
}

func (d *draft) allow(e learned, rule Rule) error {
	if e.kind() == KindImport {
		d.modules = append(d.modules, e.target)
		return nil
	}
	c, err := rule.compile(fromFile, d.look)
	if err != nil {
		return err
	}
	all := append(slices.Clip(d.rules), c)
	if neverMatches(all) != "" {
		return nil // another name of the same file was there before
	}
	text, err := encodeRules(rule)
	if err != nil {
		return err
	}
	d.rules = all
	fmt.Fprintf(&d.active, "\n# %s\n%s", e.purpose(), text)
	return nil
}

// comment writes the rule where there is one that a person could make
// active, else what was tried.
func (d *draft) comment(e learned, rule Rule, reason string, impossible error) error {
	if why := e.kind().impossible(); why != "" {
		impossible = errors.New(why)
	}
	if impossible != nil || !printable(e.target) {
		if impossible == nil {
			impossible = errors.New("its name has characters that cannot be seen")
		}
		_, err := fmt.Fprintf(&d.rest, "\n# %s %s, %s: no rule can be written, %s\n",
			e.kind(), clipped(e.target), e.purpose(), quoteLine(impossible.Error()))
		return err
	}
	text, err := encodeRules(rule)
	fmt.Fprintf(&d.rest, "\n# %s; %s\n%s", e.purpose(), quoteLine(reason), commented(text))
	return err
}

// quoteLine makes a comment's text safe: messages repeat names.
func quoteLine(s string) string {
	if printable(s) {
		return s
	}
	return fmt.Sprintf("%+q", s)
}

func (d *draft) text(others int64) (string, error) {
	head, err := toml.Marshal(d.base.document(d.modules))
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	var b strings.Builder
	b.WriteString("# What a model was refused, as a policy that allows it. Read it before you use it:\n" +
		"# the names were chosen by the model.\n\n")
	b.Write(head)
	if len(d.modules) > 0 {
		fmt.Fprintf(&b, "# Imported by the model: %s\n", strings.Join(d.modules, " "))
	}
	if d.old > 0 {
		text, err := encodeRules(rulesOf(d.rules[:d.old])...)
		if err != nil {
			return "", err
		}
		b.WriteString("\n# From the policy of that run.\n" + text)
	}
	b.WriteString(d.active.String())
	if d.resting > 0 {
		b.WriteString("\n# Refused too, and left to you: take the # away from what the model may do.\n" + d.rest.String())
	}
	if n := d.omitted + others; n > 0 {
		fmt.Fprintf(&b, "\n# There is more than fits here: refused too, %s.\n", times(n))
	}
	return b.String(), nil
}

// check reads the text as a policy file is read.
func (d *draft) check(text string) error {
	p, err := Parse("learned", []byte(text), nil)
	if err != nil {
		return fmt.Errorf("read it back: %w", err)
	}
	got := slices.DeleteFunc(p.Rules(), func(r Rule) bool { return r.Kinds.Has(KindImport) && r.Effect == Allow })
	same := slices.EqualFunc(got, rulesOf(d.rules), func(a, b Rule) bool {
		a.Origin, b.Origin = "", ""
		return a == b
	})
	modules := append(d.base.Modules(), d.modules...)
	slices.Sort(modules)
	if !same || !slices.Equal(slices.Compact(modules), p.Modules()) {
		return errors.New("it reads back as other rules")
	}
	return nil
}
