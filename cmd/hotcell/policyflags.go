package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"hotcell/syscallpolicy"
)

// policyFlags are the flags that "run" and "policy" share: what a model may
// do, and how much of it.
type policyFlags struct {
	flags       *pflag.FlagSet
	file        string
	read, write []string
	addModules  []string
	modules     []string
	ask         bool
	limits      syscallpolicy.Limits // of the flags that were given
}

func (p *policyFlags) bind(f *pflag.FlagSet) {
	p.flags = f
	p.limits = syscallpolicy.DefaultLimits()
	f.StringVar(&p.file, "policy", "", "a policy `FILE.toml`")
	f.StringArrayVar(&p.read, "read", nil, "let the model read `PATH`, a file or a directory with all below it (repeatable)")
	f.StringArrayVar(&p.write, "write", nil, "let the model read and change `PATH`, with all below it (repeatable)")
	f.StringArrayVar(&p.addModules, "module", nil, "let the model import `NAME` too (repeatable)")
	f.StringSliceVar(&p.modules, "modules", nil, "let the model import `A,B` and nothing else")
	bindLimits(f, &p.limits)
}

// policy is the effective one: flags before the file, the file before the
// preset that it builds on.
func (p *policyFlags) policy() (syscallpolicy.Policy, error) {
	policy, err := p.base()
	if err != nil {
		return policy, err
	}
	if p.flags.Changed("modules") {
		if policy, err = policy.ReplaceModules("--modules", p.modules...); err != nil {
			return policy, err
		}
	}
	if policy, err = policy.WithModules("--module", p.addModules...); err != nil {
		return policy, err
	}
	if policy, err = withPaths(policy, p.write, syscallpolicy.Policy.WithWrite); err != nil {
		return policy, err
	}
	if policy, err = withPaths(policy, p.read, syscallpolicy.Policy.WithRead); err != nil {
		return policy, err
	}
	if p.ask {
		policy = policy.WithAsk()
	}
	limits := policy.Limits()
	for _, name := range syscallpolicy.LimitNames() {
		if p.flags.Changed(name) {
			limits = limits.WithNamed(name, p.limits)
		}
	}
	changed, err := policy.WithLimits(limits)
	return changed, limitFlags(err)
}

// withPaths grants what the shell's user named, from where he stands.
func withPaths(policy syscallpolicy.Policy, names []string,
	grant func(syscallpolicy.Policy, string, syscallpolicy.Lookup) (syscallpolicy.Policy, error)) (syscallpolicy.Policy, error) {
	for _, name := range names {
		absolute, err := filepath.Abs(name)
		if err == nil && name == "" {
			err = fmt.Errorf("a path is empty")
		}
		if err == nil {
			policy, err = grant(policy, absolute, syscallpolicy.Host)
		}
		if err != nil {
			return policy, err
		}
	}
	return policy, nil
}

func (p *policyFlags) base() (syscallpolicy.Policy, error) {
	if p.file == "" {
		return syscallpolicy.Preset(syscallpolicy.DefaultPreset)
	}
	policy, err := syscallpolicy.Load(p.file, syscallpolicy.Host)
	if err != nil {
		return policy, badInput("%s", firstMistake(p.file, err))
	}
	return policy, nil
}

// firstMistake is one line about a policy file that may have many.
func firstMistake(file string, err error) string {
	first, rest, more := strings.Cut(err.Error(), "\n")
	if more {
		n := strings.Count(rest, "\n") + 1
		first += fmt.Sprintf(" (and %d more: hotcell policy check %s)", n, file)
	}
	return first
}
