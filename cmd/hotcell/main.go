// Command hotcell runs untrusted numeric models in sandboxes. See README.md.
package main

import (
	"os"

	"hotcell/child"
)

func main() {
	child.Dispatch()
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}
