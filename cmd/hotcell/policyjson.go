package main

import (
	"encoding/json"
	"io"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// policyReport is what "policy show --json" prints. Its fields are fixed:
// programs read them.
type policyReport struct {
	Preset          string          `json:"preset"`
	Limits          limitsReport    `json:"limits"`
	Modules         []string        `json:"modules"`
	Rules           []ruleReport    `json:"rules"`
	Roots           []string        `json:"roots"`
	Asked           string          `json:"asked"`
	RefusedInFilter []refusalReport `json:"refused_in_filter"`
	Warnings        []string        `json:"warnings"`
}

type ruleReport struct {
	Kinds        []syscallpolicy.Kind `json:"kinds"`
	Target       string               `json:"target"`
	Write        bool                 `json:"write"`
	Decision     syscallpolicy.Effect `json:"decision"`
	Errno        string               `json:"errno,omitempty"`
	ContentBytes int                  `json:"content_bytes,omitempty"`
	Origin       string               `json:"origin"`
}

type refusalReport struct {
	Call  string `json:"call"`
	Value string `json:"value,omitempty"`
	Errno string `json:"errno"`
	Why   string `json:"why"`
}

func writePolicyJSON(w io.Writer, p syscallpolicy.Policy) error {
	r := policyReport{
		Preset: p.Preset(), Limits: newLimits(p.Limits()), Modules: orEmpty(p.Modules()), Roots: orEmpty(p.Roots()),
		Asked: p.Shape(syscallpolicy.Shape{}).Asked, Warnings: orEmpty(p.Warnings()),
		Rules: []ruleReport{}, RefusedInFilter: []refusalReport{},
	}
	for _, rule := range p.Rules() {
		item := ruleReport{
			Kinds: rule.Kinds.Kinds(), Target: rule.Target, Write: rule.Write, Decision: rule.Effect,
			ContentBytes: len(rule.Content), Origin: rule.Origin,
		}
		if rule.Errno != 0 {
			item.Errno = unix.ErrnoName(rule.Errno)
		}
		r.Rules = append(r.Rules, item)
	}
	for _, f := range syscallpolicy.Refusals() {
		r.RefusedInFilter = append(r.RefusedInFilter, refusalReport{f.Call, f.Value, unix.ErrnoName(f.Errno), f.Why})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
