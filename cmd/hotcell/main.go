// Command hotcell runs untrusted numeric models in sandboxes. See README.md.
package main

import (
	"os"

	"hotcell/child"
	"hotcell/supervisor"
)

func main() {
	child.Dispatch()
	supervisor.TuneRuntime()
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}
