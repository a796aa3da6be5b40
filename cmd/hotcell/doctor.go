package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/supervisor/doctor"
)

func doctorCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "doctor", Short: "Tell what this host can enforce on a model, and how to mend what it cannot", Args: cobra.NoArgs,
		Long: `Tell what this host can enforce on a model, and how to mend what it cannot.

A line for every check begins with one of

  ok       it holds
  weaker   models run, and less holds them than could
  missing  no model is launched

The exit code is 0 when all checks are ok, else 125. It changes no setting.`,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, unix.SIGTERM)
			defer stop()
			report := doctor.Examine(ctx)
			if ctx.Err() != nil {
				return exitError(exitCancelled)
			}
			if err := writeDoctor(c.OutOrStdout(), report, asJSON); err != nil {
				return err
			}
			if report.Overall != doctor.OK {
				return exitError(exitHost)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(probeCommand())
	return c
}

// probeCommand is what the doctor starts copies of this program with.
func probeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "probe NAME", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return doctor.Probe(args[0], os.Stdin, c.OutOrStdout())
		},
	}
}

func writeDoctor(w io.Writer, report doctor.Report, asJSON bool) error {
	if !asJSON {
		_, err := io.WriteString(w, doctorText(report))
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // mends are commands
	e.SetIndent("", "  ")
	return e.Encode(report)
}

// doctorText is a line for each check, and what to do about it below those
// that are not ok. What was found may quote files and programs of the host.
func doctorText(report doctor.Report) string {
	var b strings.Builder
	width := 0
	for _, c := range report.Checks {
		width = max(width, len(c.ID))
	}
	below := func(label, text string) { fmt.Fprintf(&b, "%*s%-6s%s\n", 11+width, "", label, text) }
	for _, c := range report.Checks {
		fmt.Fprintf(&b, "%-7s  %-*s  %s\n", c.Status, width, c.ID, safetext.Line(c.Found))
		switch {
		case c.Status == doctor.OK:
		case c.After != nil:
			below("after", strings.Join(c.After, ", "))
		default:
			below("why", c.Why)
			below("mend", safetext.Line(c.Mend))
		}
	}
	b.WriteString("\n" + doctorSummary(report) + "\n")
	return b.String()
}

func doctorSummary(report doctor.Report) string {
	not := map[doctor.Status][]string{}
	for _, c := range report.Checks {
		if c.After == nil {
			not[c.Status] = append(not[c.Status], c.ID)
		}
	}
	switch report.Overall {
	case doctor.OK:
		return "Models run here at full strength."
	case doctor.Weaker:
		return "Models run here, held by less than could be; see " + strings.Join(not[doctor.Weaker], ", ") + "."
	}
	return "No model can run here; mend " + strings.Join(not[doctor.Missing], ", ") + "."
}
