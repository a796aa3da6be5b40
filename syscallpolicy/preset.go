package syscallpolicy

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultPreset is what policies build on that name no preset.
const DefaultPreset = "compute"

// presets are named by what the model is for. They differ in what it may
// import: no preset opens a file, and whatever a module then tries to do is
// judged like anything else.
var presets = []struct {
	name, summary string
	modules       []string
}{
	{"compute", "numpy and the part of the standard library that computes; the default", computeModules},
	{"math", "numpy and the modules of pure arithmetic: none of them knows files, time, threads or text formats", mathModules},
	{"none", "nothing: the policy lists all that the model may import", nil},
}

// mathModules are what formulas need.
var mathModules = []string{
	"__future__", "abc", "array", "bisect", "cmath", "collections", "copy", "dataclasses", "decimal", "enum", "fractions",
	"functools", "heapq", "itertools", "math", "numbers", "numpy", "operator", "random", "statistics", "typing",
}

// Presets gives the names of the presets and what each is for.
func Presets() [][2]string {
	var list [][2]string
	for _, p := range presets {
		list = append(list, [2]string{p.name, p.summary})
	}
	return list
}

// Preset gives the policy of that name, with the default limits.
func Preset(name string) (Policy, error) {
	var known []string
	for _, p := range presets {
		if p.name != name {
			known = append(known, p.name)
			continue
		}
		var rules []compiled
		for _, module := range p.modules {
			r := Rule{Kinds: KindsOf(KindImport), Target: module, Effect: Allow, Origin: "preset " + name}
			c, err := r.compile(fromPreset, nil)
			if err != nil {
				return Policy{}, fmt.Errorf("preset %s: %w", name, err)
			}
			rules = append(rules, c)
		}
		return Policy{preset: name, limits: DefaultLimits()}.withRules(rules), nil
	}
	return Policy{}, fmt.Errorf("there is no preset %q; write one of %s", name, strings.Join(known, ", "))
}

// inPreset tells whether the preset of that name, or the default one, lets a
// model import a module.
func inPreset(name, module string) bool {
	for _, p := range presets {
		if p.name != name && p.name != DefaultPreset {
			continue
		}
		if slices.ContainsFunc(p.modules, func(m string) bool { return module == m || strings.HasPrefix(module, m+".") }) {
			return true
		}
	}
	return false
}
