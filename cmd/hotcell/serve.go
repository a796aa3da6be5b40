package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"hotcell/ipc"
	"hotcell/supervisor"
	"hotcell/supervisor/service"
	"hotcell/vm"
)

// serveCommand is a supervisor for one client, on a socket that it inherits:
// what a client library starts for its process.
func serveCommand() *cobra.Command {
	var fd int
	c := &cobra.Command{
		Use:   "serve --client FD",
		Short: "Run models for the client at the other end of a socket",
		Long: `Run models for the client at the other end of a socket that this process
inherits as descriptor FD, with the rights of whoever started it. It ends with
its client. Client libraries start it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if fd < 0 {
				return errors.New("--client FD: the number of an inherited socket (SOCK_SEQPACKET)")
			}
			ctx, stop := signal.NotifyContext(c.Context(), unix.SIGTERM)
			defer stop()
			// Ctrl-C at the terminal is the client's to judge.
			signal.Ignore(os.Interrupt)
			return serveClient(ctx, fd)
		},
	}
	c.Flags().IntVar(&fd, "client", -1, "serve the client on the inherited socket `FD`")
	return c
}

func serveClient(ctx context.Context, fd int) error {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return badInput("--client %d: no such socket, or not a SOCK_SEQPACKET one", fd)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, false); err != nil {
		return err
	}
	// What the host lacks the client is told when it launches a model.
	s, unable := supervisor.New(supervisor.Options{Pool: &supervisor.PoolOptions{}})
	server := &service.Server{Supervisor: s, Unable: unable, Version: versionText(), Resolve: resolve, Report: jsonReport}
	err = server.Serve(ctx, ipc.NewConn(os.NewFile(uintptr(fd), "client")))
	if s != nil {
		err = errors.Join(err, s.Close())
	}
	return err
}

// clientOptions are the flags of "hotcell run" that a launch may carry.
var clientOptions = []string{
	"policy", "read", "write", "module", "modules", "memory", "timeout", "cpu-time", "cpus", "threads", "recursion",
	"max-output", "max-log", "max-file", "scratch", "max-operations", "ask",
}

// resolve makes the spec of a client that has this process's rights: it may
// ask for what its user could.
func resolve(ctx context.Context, launch *ipc.Launch, spec *supervisor.Spec) error {
	var flags policyFlags
	set := pflag.NewFlagSet("launch", pflag.ContinueOnError)
	flags.bind(set)
	set.BoolVar(&flags.ask, "ask", false, "")
	for _, option := range launch.Options {
		name, value, ok := strings.Cut(option, "=")
		if !ok || !slices.Contains(clientOptions, name) {
			return badInput("there is no option %s for a launch", name)
		}
		if err := set.Set(name, value); err != nil {
			return badInput("%s=%s: %v", name, value, err)
		}
	}
	for _, pair := range launch.Env {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return badInput("env %s: write it as K=V", pair)
		}
	}
	// Without a cache it only takes longer.
	cache, _ := vm.OpenCache()
	defer cache.Close()
	var err error
	if spec.Interpreter, err = vm.Find(ctx, launch.Interpreter, vm.Options{Cache: cache}); err != nil {
		return err
	}
	if spec.Shim, err = vm.Shim(ctx, spec.Interpreter, cache); err != nil {
		return err
	}
	spec.Policy, err = flags.policy()
	return err
}

func jsonReport(spec *supervisor.Spec, o *supervisor.Outcome) ([]byte, error) {
	rep, err := newReport(spec.Interpreter, o, nil)
	if err != nil {
		return nil, err
	}
	return json.Marshal(rep)
}
