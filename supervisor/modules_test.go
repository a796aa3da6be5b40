package supervisor

import (
	"slices"
	"strings"
	"testing"

	"hotcell/syscallpolicy"
	"hotcell/vm"
)

func TestPreload(t *testing.T) {
	shown := []string{"math", "numpy", "os", "datetime", "scipy", "scipy.signal", "zipfile", "encodings.shift_jis"}
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
		{"def f():\n    from os import path", nil, false, "", "os os.path?"},
		{"import datetime", nil, false, "", "datetime"},
		{"import time", nil, false, "", "datetime"},
		{"import numpy as np\nnp.linalg", nil, false, "1", "numpy numpy.linalg?"},
		{"import numpy as np\nnp.savez", nil, false, "1", "numpy zipfile numpy.savez?"},
		{"import numpy as np\nnp.linalg", nil, false, "", ""},
		{"scipy.stats.norm", []string{"scipy"}, false, "", "scipy scipy.stats? scipy.stats.norm?"},
		{"scipy.stats.norm", nil, false, "", ""},
		{"b.decode('Shift-JIS')", nil, false, "", "encodings.shift_jis"},
		{"b.decode('cp1252')", nil, false, "", ""},
		{"__import__('ma' + 'th')", nil, false, "1", "datetime math numpy os datetime"},
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
		names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, "?") && !slices.Contains(shown, n) })
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("preload(%q, required %v, arrays %v) = %s; want %s", test.source, test.required, test.arrays, got, test.want)
		}
	}
}
