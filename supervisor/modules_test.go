package supervisor

import (
	"strings"
	"testing"

	"hotcell/vm"
)

func TestPreload(t *testing.T) {
	allowed := []string{"math", "numpy", "os", "datetime", "scipy.signal"}
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
		{"__import__('ma' + 'th')", nil, false, "1", "math numpy os datetime _strptime scipy.signal"},
		{"x = 1", []string{"scipy.signal"}, false, "1", "scipy.signal"},
		{"from scipy import signal", nil, false, "1", "scipy.signal"},
	} {
		spec := Spec{
			Files:   []SourceFile{{Source: []byte(test.source)}},
			Modules: allowed, Required: test.required, Arrays: test.arrays, Interpreter: vm.Interpreter{Numpy: test.numpy},
		}
		if got := strings.Join(preload(&spec), " "); got != test.want {
			t.Errorf("preload(%q, required %v, arrays %v) = %s; want %s", test.source, test.required, test.arrays, got, test.want)
		}
	}
}
