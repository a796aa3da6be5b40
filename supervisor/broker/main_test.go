package broker

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/child"
	"hotcell/internal/fdcheck"
)

// The test binary run again under these names plays a part of its own.
var parts = map[string]func() error{rootlessName: rootless}

func TestMain(m *testing.M) {
	child.Dispatch()
	if part, ok := parts[os.Args[0]]; ok {
		if err := part(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	unix.Umask(0o077) // the kernel's answers are to be those of a sandbox's umask
	os.Exit(fdcheck.Run(m))
}
