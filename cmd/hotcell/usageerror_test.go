package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestFlagExamples: an error about a flag that takes a value shows one, and
// that value is one that the flag takes.
func TestFlagExamples(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			example, needed := flagExamples[f.Name], f.NoOptDefVal == ""
			switch {
			case needed && example == "":
				t.Errorf("%s --%s: no example of a value", c.CommandPath(), f.Name)
			case needed:
				if err := f.Value.Set(example); err != nil {
					t.Errorf("%s --%s %s: %v; want an example that works", c.CommandPath(), f.Name, example, err)
				}
			}
		})
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(rootCommand())
}

// TestUsageErrors: one line says what is wrong and with what, one where the
// flags of this very command stand.
func TestUsageErrors(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"run", "hotcell: name a MODEL: a .py file, or a directory with __main__.py or model.py\nRun 'hotcell run --help' for usage.\n"},
		{"run -o", "hotcell: --output has no value; for example --output signal=signal.npy\nRun 'hotcell run --help' for usage.\n"},
		{"run --raw=perhaps m.py", "hotcell: --raw: \"perhaps\" is neither true nor false; the flag alone means true\nRun 'hotcell run --help' for usage.\n"},
		{"run -x m.py", "hotcell: unknown shorthand flag: 'x' in -x\nRun 'hotcell run --help' for usage.\n"},
		{"policy check", "hotcell: name a policy FILE\nRun 'hotcell policy check --help' for usage.\n"},
		{"serv", "hotcell: unknown command \"serv\" for \"hotcell\"; did you mean serve?\nRun 'hotcell --help' for usage.\n"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := execute(strings.Fields(tt.args), &stdout, &stderr)
			if code != exitUsage || stderr.String() != tt.want || stdout.Len() > 0 {
				t.Errorf("execute(%s) = %d, %q, %q; want %d, none, %q", tt.args, code, stdout.String(), stderr.String(), exitUsage, tt.want)
			}
		})
	}
}
