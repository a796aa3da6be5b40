package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

func policyCheckCommand() *cobra.Command {
	var check policyCheck
	c := &cobra.Command{
		Use: "check FILE...", Short: "Check policy files, and tell every mistake with its line",
		Long: `Check policy files, and tell every mistake with its line.

Paths that they grant must exist, and modules that they allow must be there for
the interpreter: the one that run would choose, or that --interpreter names.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name a policy FILE")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			check.out, check.err = c.OutOrStdout(), c.ErrOrStderr()
			good := true
			for _, name := range args {
				good = check.file(c.Context(), name) && good
			}
			if !good {
				return exitError(exitUsage)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&check.elsewhere, "skip-paths", false, "do not look for paths and modules: the policy is for another machine")
	c.Flags().StringVar(&check.interpreter, "interpreter", "", "`PATH`, cpython or pypy; default: the first on the PATH that has numpy")
	return c
}

// policyCheck is one "hotcell policy check".
type policyCheck struct {
	elsewhere   bool
	interpreter string
	out, err    io.Writer
}

// file checks one file and says what it is, or what is wrong with it.
func (c policyCheck) file(ctx context.Context, name string) bool {
	look := syscallpolicy.Lookup(syscallpolicy.Host)
	if c.elsewhere {
		look = nil
	}
	p, err := syscallpolicy.Load(name, look)
	if err == nil && !c.elsewhere {
		err = c.modules(ctx, name, p)
	}
	if err != nil {
		fmt.Fprintln(c.err, safetext.Text(err.Error()))
		return false
	}
	for _, w := range p.Warnings() {
		c.warn(name, w)
	}
	fmt.Fprintf(c.out, "%s: ok, %s\n", safetext.Line(name), safetext.Line(p.String()))
	return true
}

func (c policyCheck) warn(name, text string) {
	fmt.Fprintf(c.err, "%s: warning: %s\n", safetext.Line(name), safetext.Line(text))
}

// modules looks for those that the file itself allows. One that is not there
// is a mistake like a path that is not: every run with the file and that
// interpreter would end before its model begins.
func (c policyCheck) modules(ctx context.Context, file string, p syscallpolicy.Policy) error {
	names := p.Required()
	if len(names) == 0 {
		return nil
	}
	origins := map[string]string{}
	for _, r := range p.Rules() {
		if r.Kinds.Has(syscallpolicy.KindImport) && r.Effect == syscallpolicy.Allow {
			origins[r.Target] = cmp.Or(origins[r.Target], r.Origin)
		}
	}
	byLine := func(a, b string) int {
		return cmp.Or(cmp.Compare(len(origins[a]), len(origins[b])), cmp.Compare(origins[a], origins[b]))
	}
	slices.SortFunc(names, byLine)
	cache, _ := vm.OpenCache()
	defer cache.Close()
	i, err := vm.Find(ctx, c.interpreter, vm.Options{Cache: cache})
	var lacks []string
	if err == nil {
		lacks, err = i.Lacks(ctx, names, vm.Options{})
	}
	if err != nil && c.interpreter == "" {
		c.warn(file, fmt.Sprintf("nobody looked for its modules: %v", err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: look for its modules: %w", file, err)
	}
	var mistakes []error
	for _, m := range lacks {
		mistakes = append(mistakes, fmt.Errorf("%s: module %s is not installed for %s; %s", origins[m], m, i.Executable, moduleMend(m)))
	}
	return errors.Join(mistakes...)
}

func moduleMend(module string) string {
	mend := "install it there, name another interpreter by --interpreter, or correct the name"
	if near := syscallpolicy.Nearest(module, syscallpolicy.ComputeModules()); near != "" {
		mend += fmt.Sprintf(" (did you mean %s?)", near)
	}
	return mend
}
