package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/vm"
)

func interpretersCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "interpreters", Short: "List the Python interpreters of this host, and what each can do", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cache, _ := vm.OpenCache()
			defer cache.Close()
			found := vm.List(c.Context(), vm.Options{Cache: cache})
			if asJSON {
				return writeInterpretersJSON(c, found)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "FOUND AS\tINTERPRETER\tVERSION\tNUMPY\tEXECUTABLE")
			for _, p := range found {
				if err, ok := errors.AsType[*vm.Error](p.Err); ok {
					p.Err = err.Err // the path stands in the first column
				}
				if p.Err != nil {
					fmt.Fprintf(w, "%s\t-\t-\t-\t%s\n", p.Path, safetext.Line(p.Err.Error()))
					continue
				}
				numpy := p.Interpreter.Numpy
				if numpy == "" {
					numpy = "none"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Path, p.Interpreter.Implementation, p.Interpreter.Version, numpy, p.Interpreter.Executable)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

type interpreterLine struct {
	Asked          string `json:"found_as"`
	Implementation string `json:"implementation,omitempty"`
	Version        string `json:"version,omitempty"`
	Numpy          string `json:"numpy,omitempty"`
	Executable     string `json:"executable,omitempty"`
	Error          string `json:"error,omitempty"`
}

func writeInterpretersJSON(c *cobra.Command, found []vm.Probed) error {
	lines := []interpreterLine{}
	for _, p := range found {
		line := interpreterLine{Asked: p.Path}
		if p.Err != nil {
			line.Error = p.Err.Error()
		} else {
			i := p.Interpreter
			line.Implementation, line.Version, line.Numpy, line.Executable = i.Implementation, i.Version, i.Numpy, i.Executable
		}
		lines = append(lines, line)
	}
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(lines)
}
