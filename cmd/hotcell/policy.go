package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/syscallpolicy"
)

func policyCommand() *cobra.Command {
	var presets strings.Builder
	for _, p := range syscallpolicy.Presets() {
		fmt.Fprintf(&presets, "  %-9s %s\n", p[0], p[1])
	}
	c := &cobra.Command{
		Use: "policy", Short: "Show, check and explain what a model may do", Args: cobra.NoArgs,
		Long: "Show, check and explain what a model may do.\n\nPolicies build on a preset:\n\n" + presets.String() +
			"\nRules of the command line come before those of the file, and these before the\npreset's. The first that matches decides; what none matches is refused.",
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(policyShowCommand(), policyCheckCommand(), policyExplainCommand())
	return c
}

func policyShowCommand() *cobra.Command {
	var flags policyFlags
	asJSON := false
	c := &cobra.Command{
		Use: "show [flags]", Short: "Print the effective policy of the flags, as run takes them", Args: cobra.NoArgs,
		Example: "  hotcell policy show --policy model.toml --read /srv/data",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := flags.policy()
			if err != nil {
				return err
			}
			if asJSON {
				return writePolicyJSON(c.OutOrStdout(), p)
			}
			// A dump quotes what it repeats; warnings name files as they are.
			_, err = fmt.Fprint(c.OutOrStdout(), safetext.Text(p.Dump()))
			return err
		},
	}
	c.Flags().SortFlags = false
	flags.bind(c.Flags())
	c.Flags().BoolVar(&flags.ask, "ask", false, "ask about what no rule decides")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func policyExplainCommand() *cobra.Command {
	var flags policyFlags
	e := explanation{}
	c := &cobra.Command{
		Use: "explain KIND TARGET [flags]", Short: "Say what would become of one operation, which rule decides, and what would allow it",
		Long: "Say what would become of one operation, which rule decides, and what would\nallow it. KIND is one of " +
			kindWords() + ".",
		Example: "  hotcell policy explain open /etc/passwd\n  hotcell policy explain open /srv/out/x.csv --for-writing --policy model.toml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("name a KIND and a TARGET, for example: open /etc/passwd")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			p, err := flags.policy()
			if err != nil {
				return err
			}
			e.policy = p
			return e.say(c, args[0], args[1])
		},
	}
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&e.writing, "for-writing", false, "open to change the file, not only to read it")
	c.Flags().StringVar(&e.syscall, "by", "", "the system `CALL` that makes the operation, for policies with a profile of them")
	flags.bind(c.Flags())
	return c
}

func kindWords() string {
	var words []string
	for _, k := range syscallpolicy.Kinds() {
		words = append(words, k.String())
	}
	return strings.Join(words, ", ")
}

// explanation answers "hotcell policy explain".
type explanation struct {
	policy  syscallpolicy.Policy
	writing bool
	syscall string
}

func (e *explanation) say(c *cobra.Command, kind, target string) error {
	k, err := syscallpolicy.ParseKind(kind)
	if err != nil {
		return fmt.Errorf("%w; write one of %s", err, kindWords())
	}
	op := syscallpolicy.Operation{Kind: k, Target: target, Write: e.writing, Syscall: e.syscall}
	if op.Syscall == "" && k == syscallpolicy.KindSyscall {
		op.Syscall = target
	}
	d := e.policy.Decide(op)
	say := func(format string, args ...any) { fmt.Fprintf(c.OutOrStdout(), format+"\n", args...) }
	say("%s", decisionLine(d))
	if real, _, err := syscallpolicy.Host(target); k.Subject() == "path" && err == nil && real != target {
		op.Target = real
		say("the path leads to %s: %s", safetext.Line(real), decisionLine(e.policy.Decide(op)))
		op.Target = target
	}
	if !d.Refuses() {
		return nil
	}
	say("%s", safetext.Line(e.policy.Advice(op, d)))
	if lines, err := e.policy.AllowLines(op); err == nil && d.Rule == syscallpolicy.DefaultRule {
		say("\nas lines of a policy file:\n\n%s", strings.TrimRight(safetext.Text(lines), "\n"))
	}
	return nil
}

// decisionLine says what happens and who says so.
func decisionLine(d syscallpolicy.Decision) string {
	line := d.Effect.String()
	switch {
	case d.Effect == syscallpolicy.Deny:
		line += " with " + unix.ErrnoName(d.ErrnoOrEPERM())
	case d.Effect == syscallpolicy.Virtual:
		line += fmt.Sprintf(", %d bytes", len(d.Content))
	case d.Root != "":
		line += ", below " + safetext.Line(d.Root)
	}
	if d.Rule == syscallpolicy.DefaultRule {
		return line + ": no rule speaks of it (default)"
	}
	return line + ": " + safetext.Line(d.Rule)
}
