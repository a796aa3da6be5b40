package syscallpolicy

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Learned counts what a learned policy says.
type Learned struct {
	Rules, Modules int   // active
	Commented      int   // rules that stand in comments
	Impossible     int   // refusals that no rule of this file can allow
	Omitted        int64 // refusals beyond what the file takes
}

func (l Learned) String() string {
	return fmt.Sprintf("%s and %s active, %s in comments, %s that no rule allows",
		counted(l.Rules, "rule"), counted(l.Modules, "module"), counted(l.Commented, "rule"), counted(l.Impossible, "target"))
}

// Write gives the policy file that says what base says and allows what was
// refused as far as it lies in the model's own directory or in the preset's
// list of modules. The rest stands in comments, with the reason.
//
// Before it writes anything it reads what it made and looks whether that is
// what it meant, rule for rule: the names are the model's. It reads it with
// every rule made active too, as a person may do who takes the marks away.
func (l *Learner) Write(w io.Writer, base Policy, modelDir string) (Learned, error) {
	l.mu.Lock()
	list, others := slices.Clone(l.list), l.others
	l.mu.Unlock()
	d := draft{base: base, home: modelDir, look: l.Look, missing: l.Missing, whys: map[string]int{}}
	if d.look == nil {
		d.look = Host
	}
	if d.missing == nil {
		d.missing = Missing
	}
	d.count.Omitted = others
	d.keep()
	err := d.addAll(list)
	var text string
	if err == nil {
		text, err = d.text()
	}
	if err == nil {
		err = d.check(text)
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err != nil {
		return Learned{}, fmt.Errorf("write learned policy: %w", err)
	}
	return d.count, nil
}

// draft is a policy file in the making. What is not a rule begins with "##",
// what is a rule and not active with "#": taking the one mark away, of a line
// or of all, leaves the words what they are.
type draft struct {
	base    Policy
	home    string // the model's own directory
	look    Lookup
	missing func(Kind, string) string

	modules []string
	rules   []compiled // that are active: first those of base
	old     int        // how many those are
	resting []compiled // that stand in comments
	active  strings.Builder
	rest    strings.Builder
	count   Learned
	reasons []string // why rules stand in comments, in the order of the first
	whys    map[string]int
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

// addAll puts everything where it belongs: what is active comes first, as a
// person who makes more rules active must not write some twice.
func (d *draft) addAll(list []learned) error {
	for _, active := range []bool{true, false} {
		for _, e := range list {
			rule, why := d.place(e)
			var err error
			switch {
			case active != (why.text == ""):
			case active && d.count.Rules+d.count.Modules < maxWritten:
				err = d.allow(e, rule)
			case !active && d.count.Commented+d.count.Impossible < maxWritten:
				err = d.comment(e, rule, why)
			default:
				d.count.Omitted += e.count
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// place gives the rule for e, and why it is not active.
func (d *draft) place(e learned) (Rule, reason) {
	rule, err := e.allow()
	why := d.reason(e)
	switch {
	case e.kind().impossible() != "":
		err = errors.New(e.kind().impossible())
	case err == nil && !plain(e.target):
		err = errors.New("its name has characters that cannot be seen")
	case err == nil && why.text != "" && !printable(e.target):
		// The library would escape it, and a reader of the comment would not
		// see what it is.
		err = errors.New("its name has control characters")
	}
	if err != nil {
		why = never(err.Error(), "no rule can be written")
	}
	return rule, why
}

func (d *draft) allow(e learned, rule Rule) error {
	if e.kind() == KindImport {
		d.modules = append(d.modules, e.target)
		d.count.Modules++
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
	d.count.Rules++
	fmt.Fprintf(&d.active, "\n## %s\n%s", e.purpose(), text)
	return nil
}

// comment writes the rule where there is one that a person could make
// active, else what was tried.
func (d *draft) comment(e learned, rule Rule, why reason) error {
	if why.rule {
		c, err := rule.compile(fromFile, nil)
		if err != nil {
			return err
		}
		if neverMatches(slices.Concat(d.rules, d.resting, []compiled{c})) != "" {
			return nil // as in allow
		}
		d.count.Commented++
		d.because(why)
		d.resting = append(d.resting, c)
		text, err := encodeRules(rule)
		fmt.Fprintf(&d.rest, "\n## %s; %s\n%s", e.purpose(), quoteLine(why.text), commented(text))
		return err
	}
	d.count.Impossible++
	d.because(why)
	fmt.Fprintf(&d.rest, "\n## %s %s, %s: no rule, because %s\n", e.kind(), clipped(e.target), e.purpose(), quoteLine(why.text))
	return nil
}

// because counts a reason for the summary.
func (d *draft) because(why reason) {
	if d.whys[why.why]++; d.whys[why.why] == 1 {
		d.reasons = append(d.reasons, why.why)
	}
}

// quoteLine makes a comment's text safe: messages repeat names.
func quoteLine(s string) string {
	if printable(s) {
		return s
	}
	return fmt.Sprintf("%+q", s)
}

func (d *draft) text() (string, error) {
	head, err := toml.Marshal(d.base.document(d.modules))
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	var b strings.Builder
	b.WriteString(d.summary() + "\n")
	b.Write(head)
	if len(d.modules) > 0 {
		fmt.Fprintf(&b, "## Imported by the model: %s\n", strings.Join(d.modules, " "))
	}
	if d.old > 0 {
		text, err := encodeRules(rulesOf(d.rules[:d.old])...)
		if err != nil {
			return "", err
		}
		b.WriteString("\n## From the policy of that run.\n" + text)
	}
	b.WriteString(d.active.String())
	if d.rest.Len() > 0 {
		b.WriteString("\n## Refused too, and not allowed by this file.\n" + d.rest.String())
	}
	return b.String(), nil
}

// summary says at the head of the file what running with it does.
func (d *draft) summary() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, "## "+format+"\n", args...) }
	say("Learned from a run in which everything was refused as usual. Read it before you use it: the")
	say("names are the model's.")
	say("Active: %s and %s, for what lies in the model's own directory and the preset's list.",
		counted(d.count.Rules, "rule"), counted(d.count.Modules, "module"))
	if d.rest.Len() > 0 {
		say("Refused still: %s in comments, and %s that no rule allows:",
			counted(d.count.Commented, "rule"), counted(d.count.Impossible, "target"))
	}
	for _, why := range d.reasons {
		say("%4d, as %s", d.whys[why], why)
	}
	if d.count.Commented > 0 {
		say("To allow one, take the \"# \" away from its lines; those with ## stay comments.")
	}
	if d.count.Omitted > 0 {
		say("There is more than fits here: refused too, %s.", times(d.count.Omitted))
	}
	return b.String()
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// check reads the text as a policy file is read: as it is, and as a person
// makes it who allows all that stands in comments.
func (d *draft) check(text string) error {
	modules := append(d.base.Modules(), d.modules...)
	if err := reads(text, d.rules, modules); err != nil {
		return err
	}
	all, imports := slices.Clone(d.rules), slices.Clone(modules)
	for _, c := range d.resting {
		if c.Kinds.Has(KindImport) {
			imports = append(imports, c.Target)
			continue
		}
		if with := append(slices.Clip(all), c); neverMatches(with) == "" {
			all = with
		}
	}
	return reads(uncommented(text), all, imports)
}

// reads checks that a text says these rules and modules and nothing else.
func reads(text string, rules []compiled, modules []string) error {
	p, err := Parse("learned", []byte(text), nil)
	if err != nil {
		return fmt.Errorf("read it back: %w", err)
	}
	got := slices.DeleteFunc(p.Rules(), func(r Rule) bool { return r.Kinds.Has(KindImport) && r.Effect == Allow })
	same := slices.EqualFunc(got, rulesOf(rules), func(a, b Rule) bool {
		a.Origin, b.Origin = "", ""
		return a == b
	})
	slices.Sort(modules)
	if !same || !slices.Equal(slices.Compact(modules), p.Modules()) {
		return errors.New("it reads back as other rules")
	}
	return nil
}
