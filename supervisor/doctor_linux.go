package supervisor

import (
	"os"
	"syscall"
)

// ChildIdentity says as whom a child of this supervisor runs, and how it is
// cloned. Package doctor starts a process with it that tries what a child
// does.
type ChildIdentity struct {
	UID        int  // the host's
	Shared     bool // other processes of the host may have the same
	Attributes *syscall.SysProcAttr
}

// NewChildIdentity chooses as New does. With an error the attributes are
// those of this process's own user: good enough to try namespaces with, and
// nothing to run a model under.
func NewChildIdentity() (ChildIdentity, error) {
	id, err := chooseIdentity()
	if err != nil {
		id = identity{uid: os.Geteuid(), gid: os.Getegid(), shared: true}
	}
	return ChildIdentity{UID: id.uid, Shared: id.shared, Attributes: id.attributes()}, err
}
