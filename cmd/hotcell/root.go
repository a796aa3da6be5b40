package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"hotcell/cmd/hotcell/safetext"
)

// version is set by the Makefile; a plain go build leaves what the module
// knows.
var version = ""

// exitError carries an exit code out of a command that has said already what
// there is to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// execute runs one command line and gives the exit code.
func execute(args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteC()
	if err == nil {
		return exitOK
	}
	if code, ok := err.(exitError); ok {
		return int(code)
	}
	err = unknownCommand(root, args, err)
	if command.Name() == "run" && slices.Contains(args, "--json") {
		// A program that asked for a report gets one, whatever it got wrong.
		r := run{runOptions: runOptions{json: true}, stdout: stdout, stderr: stderr}
		return r.tell(r.unusable(asInput(err)), nil)
	}
	fmt.Fprintln(stderr, "hotcell:", safetext.Line(err.Error()))
	fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", command.CommandPath())
	return exitUsage
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "hotcell",
		Short: "Run untrusted numeric Python models in sandboxes, with arrays in and out",
		// Errors are said once, by execute.
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(usageError)
	root.AddCommand(runCommand(), policyCommand(), interpretersCommand(), doctorCommand(), serveCommand(), versionCommand())
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), "hotcell", versionText()) },
	}
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
