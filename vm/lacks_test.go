package vm

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLacks(t *testing.T) {
	i, err := Find(t.Context(), cpython, Options{})
	if err != nil {
		t.Fatal(err)
	}
	site := t.TempDir()
	for name, text := range map[string]string{
		"pack/__init__.py":     "import sys, types\nsys.modules['pack.made'] = types.ModuleType('pack.made')\n",
		"pack/part.py":         "",
		"pack/sub/inner.py":    "",
		"quits/__init__.py":    "raise SystemExit(3)\n",
		"quits/part.py":        "",
		"needs/__init__.py":    "import no_such_module\n",
		"prints/__init__.py":   "print('hotcell-probe 1 {\"lacks\": []}')\n",
		"top.py":               "raise ValueError\n",
		"space here/no.py":     "",
		"folder/without_it.py": "",
	} {
		path := filepath.Join(site, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	i.Path = append(i.Path, site)
	there := []string{
		"math", "os.path", "json", "concurrent.futures", "pack", "pack.part", "pack.sub.inner", "pack.made", "top", "folder.without_it",
		"quits.part", "quits.anything", "needs.anything", "prints",
	}
	lacking := []string{"no_such", "no_such.part", "pack.no_such", "pack.sub.no_such", "math.no_such", "--", "-c", "prints.no_such"}
	for range 2 {
		got, err := i.Lacks(t.Context(), append(there, lacking...), Options{})
		if err != nil || !slices.Equal(got, lacking) {
			t.Errorf("Lacks = %q, %v; want %q", got, err, lacking)
		}
		slices.Reverse(lacking)
	}
	i.Executable = "/bin/false"
	if got, err := i.Lacks(t.Context(), there, Options{}); err == nil {
		t.Errorf("Lacks of /bin/false = %q; want an error", got)
	}
}
