package supervisor

import (
	"slices"
	"strings"
	"testing"

	"hotcell/syscallpolicy"
	"hotcell/vm"
)

func TestPreload(t *testing.T) {
	allowed := []string{"math", "numpy", "os", "datetime", "scipy.signal"}
	preset, err := syscallpolicy.Preset("compute")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		source   string
		required []string
		arrays   bool
		numpy    string
		want     string
	}{
		{"import math", nil, false, "1", "math"},
		{"x = 1", nil, false, "1", ""},
		{"aftermath = maths = 1", nil, false, "1", ""},
		{"x = 1", nil, true, "1", "numpy"},
		{"import numpy as np", nil, false, "1", "numpy"},
		{"import numpy as np", nil, true, "", ""},
		{"def f():\n    from os import path", nil, false, "", "os"},
		{"import datetime", nil, false, "", "datetime _strptime"},
		{"__import__('ma' + 'th')", nil, false, "1", "datetime _strptime math numpy os _strptime"},
		{"x = 1", []string{"scipy.signal"}, false, "1", "scipy.signal"},
		{"from scipy import signal", []string{"scipy.signal"}, false, "1", "scipy.signal"},
	} {
		policy := preset
		for _, name := range test.required {
			if policy, err = policy.WithModules("test", name); err != nil {
				t.Fatal(err)
			}
		}
		spec := Spec{
			Files: []SourceFile{{Source: []byte(test.source)}}, Policy: policy,
			Arrays: test.arrays, Interpreter: vm.Interpreter{Numpy: test.numpy},
		}
		names := preload(&spec)
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(append(allowed, "_strptime"), n) })
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("preload(%q, required %v, arrays %v) = %s; want %s", test.source, test.required, test.arrays, got, test.want)
		}
	}
}
