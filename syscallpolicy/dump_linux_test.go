//go:build amd64

package syscallpolicy

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

var shapesOfDump = map[string]Shape{
	"least":   {},
	"threads": {Threads: true, GrantLow: testLow, GrantHigh: testHigh},
	"jit":     {ExecMappings: true, Threads: true, GrantLow: testLow, GrantHigh: testHigh},
}

func TestDump(t *testing.T) {
	for name, s := range shapesOfDump {
		file := filepath.Join("testdata", "dump_"+name+".golden")
		got := s.Dump()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("(%v).Dump() =\n%s\nwant %s:\n%s", s, got, file, want)
		}
	}
}
