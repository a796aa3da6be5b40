package broker

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/fdcheck"
)

func TestMain(m *testing.M) {
	unix.Umask(0o077) // the kernel's answers are to be those of a sandbox's umask
	os.Exit(fdcheck.Run(m))
}
