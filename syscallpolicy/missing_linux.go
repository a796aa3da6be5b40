package syscallpolicy

import (
	"path"

	"golang.org/x/sys/unix"
)

// Missing gives the path that would have to be there before an operation of
// kind k on target can be carried out, and surely is not on this machine:
// target itself or, where that is to be made, its directory. It is empty where
// nothing is missing or nobody can tell.
//
// The answer is for the operator's eyes, once the model is dead: a model that
// could see it, or see how long it took, could ask after every file of the
// host. And it looks at the root's file system only, since target is of the
// model's choosing: on others a look could make an automounter call a host
// whose name is in it, or wait for a server that is gone.
func Missing(k Kind, target string) string {
	if !pathKinds.Has(k) || !cleanPath(target) {
		return ""
	}
	if k == KindCreate || k == KindRename {
		target = path.Dir(target)
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, target, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err == nil {
		unix.Close(fd)
	}
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return target
	}
	return ""
}
