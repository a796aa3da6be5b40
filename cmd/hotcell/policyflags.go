package main

import (
	"errors"

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
	for _, name := range p.write {
		if policy, err = policy.WithWrite(name, syscallpolicy.Host); err != nil {
			return policy, err
		}
	}
	for _, name := range p.read {
		if policy, err = policy.WithRead(name, syscallpolicy.Host); err != nil {
			return policy, err
		}
	}
	if p.ask {
		policy = policy.WithAsk()
	}
	return policy.WithLimits(p.effectiveLimits(policy.Limits()))
}

func (p *policyFlags) base() (syscallpolicy.Policy, error) {
	if p.file == "" {
		return syscallpolicy.Preset(syscallpolicy.DefaultPreset)
	}
	policy, err := syscallpolicy.Load(p.file, syscallpolicy.Host)
	var file *syscallpolicy.FileError
	if errors.As(err, &file) {
		return policy, &inputError{file.Error()}
	}
	return policy, err
}

// effectiveLimits lets a flag that was given override the file.
func (p *policyFlags) effectiveLimits(l syscallpolicy.Limits) syscallpolicy.Limits {
	for name, set := range map[string]func(){
		"memory":         func() { l.Memory = p.limits.Memory },
		"timeout":        func() { l.Timeout = p.limits.Timeout },
		"cpu-time":       func() { l.CPUTime = p.limits.CPUTime },
		"cpus":           func() { l.CPUs = p.limits.CPUs },
		"threads":        func() { l.Threads = p.limits.Threads },
		"recursion":      func() { l.Recursion = p.limits.Recursion },
		"max-output":     func() { l.MaxOutput = p.limits.MaxOutput },
		"max-log":        func() { l.MaxLog = p.limits.MaxLog },
		"max-operations": func() { l.MaxOperations = p.limits.MaxOperations },
		"scratch":        func() { l.Scratch = p.limits.Scratch },
	} {
		if p.flags.Changed(name) {
			set()
		}
	}
	return l
}
