package child

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// source is a clone of a host mount, not attached anywhere yet.
type source struct {
	path string
	tree int
	dir  bool
}

// propagation cuts the copied mounts off from the host's: a mount made here
// must not appear there, and the other way round.
func propagation(*state) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	return nil
}

// sources clones what the interpreter needs. It comes before credentials: a
// supervisor that is root may have its interpreter below a directory that
// only root may enter.
func sources(s *state) error {
	for _, path := range s.Mounts {
		src, err := openSource(path)
		if err != nil {
			return err
		}
		s.sources = append(s.sources, src)
	}
	return nil
}

func openSource(path string) (source, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return source{}, fmt.Errorf("stat %s: %w", path, err)
	}
	// Recursive: a user namespace may not uncover what is mounted below.
	tree, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return source{}, fmt.Errorf("clone mount %s: %w", path, err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return source{}, fmt.Errorf("make %s read-only: %w", path, err)
	}
	return source{path: path, tree: tree, dir: stat.Mode&unix.S_IFMT == unix.S_IFDIR}, nil
}

// root replaces the root by a small file system that holds the clones. There
// is no /proc, no /sys, no /dev, no /tmp and no home in it.
func root(s *state) error {
	if err := unix.Mount("hotcell", "/", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,nr_inodes=4k,mode=0755"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	// "/" still names the covered root; ".." of it is what lies on top.
	if err := unix.Chdir("/.."); err != nil {
		return fmt.Errorf("chdir to new root: %w", err)
	}
	for _, link := range s.Links {
		if err := makeLink(link); err != nil {
			return err
		}
	}
	for _, src := range s.sources {
		if err := attach(src); err != nil {
			return err
		}
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount old root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("chdir: %w", err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOEXEC}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &attr); err != nil {
		return fmt.Errorf("make root read-only: %w", err)
	}
	return nil
}

func makeLink(link Link) error {
	path := relative(link.Path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make directory of link: %w", err)
	}
	if err := os.Symlink(link.Target, path); err != nil {
		return fmt.Errorf("make link: %w", err)
	}
	return nil
}

func attach(src source) error {
	path := relative(src.path)
	if err := makePlace(path, src.dir); err != nil {
		return fmt.Errorf("make place for %s: %w", src.path, err)
	}
	if err := unix.MoveMount(src.tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach %s: %w", src.path, err)
	}
	return unix.Close(src.tree)
}

func makePlace(path string, dir bool) error {
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// relative names a path of the root that is being built: the working
// directory is that root, "/" is not yet.
func relative(path string) string {
	return "." + strings.TrimSuffix(filepath.Clean("/"+path), "/")
}
