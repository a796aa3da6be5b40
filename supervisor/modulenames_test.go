package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func partsOf(source string, packages ...string) []string {
	return parts([]SourceFile{{Source: []byte(source)}}, packages)
}

func TestParts(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"import scipy", ""},
		{"import scipy.stats", "scipy.stats"},
		{"import scipy.stats as st, numpy", "scipy.stats"},
		{"import os, scipy.stats, scipy . signal", "scipy.signal scipy.stats"},
		{"from scipy import stats", "scipy.stats"},
		{"from scipy import stats as s, signal;x = 1", "scipy.signal scipy.stats"},
		{"from scipy import (stats, # of (all, sorts\n\tsignal as f,\n)\nx = fft", "scipy.signal scipy.stats"},
		{"from scipy import stats, \\\n  signal\nfft", "scipy.signal scipy.stats"},
		{"from scipy import stats\nsignal, fft", "scipy.stats"},
		{"from scipy.stats import norm\nnorm.cdf(1)", "scipy.stats scipy.stats.norm scipy.stats.norm.cdf"},
		{"from scipy import *", ""},
		{"import scipy as sp\ndef model():\n  return sp.stats.norm", "scipy.stats scipy.stats.norm"},
		{"def model():\n  return sp.stats\nimport scipy as sp", "scipy.stats"},
		{"from scipy import sparse as s\ns.linalg.spsolve", "scipy.sparse scipy.sparse.linalg scipy.sparse.linalg.spsolve"},
		{"m = importlib.import_module('scipy.stats')", "scipy.stats"},
		{"f'{scipy.stats}' # scipy.fft", "scipy.fft scipy.stats"},
		{"self.scipy.stats", ""},
		{"scipystats.x = scipy_.stats", ""},
		{"from .scipy import stats", ""},
		{"from . import scipy\nfrom .. scipy.stats import x", ""},
		{"yield from scipy.stats", "scipy.stats"},
		{"raise X from e\nimport", ""},
		{"from\nimport\nfrom x import\nimport , .", ""},
		{"import scipy.stäts, scipy.fft", "scipy.fft"},
		{"scipy.a.b.c.d.e.f.g.h", "scipy.a scipy.a.b scipy.a.b.c scipy.a.b.c.d scipy.a.b.c.d.e"},
		{"scipy..stats scipy. -scipy.1", "scipy.1"},
		{"numpy.testing.x, os.path", ""},
		{"import scipy.f2py.__main__, scipy.tests.test_x, scipy.setup, scipy.conftest", "scipy.f2py"},
		{"scipy.__version__", ""},
		{"import xml.dom.minidom", "xml.dom.minidom"},
		{"import xml.sax", ""},
	} {
		if got := strings.Join(partsOf(test.source, "scipy", "xml.dom"), " "); got != test.want {
			t.Errorf("parts(%q) = %s; want %s", test.source, got, test.want)
		}
	}
}

// What hostile text makes of it is bounded, and takes no time.
func TestPartsAreBounded(t *testing.T) {
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, "import a%d as s, scipy as a%d\ns.x%d.y\nscipy.n%d.%s\n", i, i, i, i, strings.Repeat("z", 200))
	}
	names := partsOf(many.String(), "scipy")
	size := 0
	for _, name := range names {
		size += len(name)
	}
	if len(names) == 0 || len(names) > maxParts || size > maxPartBytes {
		t.Errorf("parts of a large source = %d names of %d bytes; want 1 to %d of at most %d", len(names), size, maxParts, maxPartBytes)
	}
	if !slices.IsSorted(names) {
		t.Error("parts are not sorted: a parent must come before its children")
	}
}

func FuzzParts(f *testing.F) {
	f.Add([]byte("from scipy import (stats as s, # x\n fft)\nimport scipy.signal\ns.norm"))
	f.Add([]byte("import scipy as\\\nsp\r\nsp.\xff.é.stats"))
	f.Fuzz(func(t *testing.T, source []byte) {
		for _, name := range parts([]SourceFile{{Source: source}}, []string{"scipy"}) {
			if !strings.HasPrefix(name, "scipy.") || len(name) > (maxChain+1)*(maxWord+1) || strings.ContainsFunc(name, func(r rune) bool {
				return r >= 0x80 || r != '.' && !isWord(byte(r))
			}) {
				t.Errorf("parts(%q) has %q", source, name)
			}
		}
	})
}
