package vm

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// survey collects the identities of files.
type survey struct {
	text   []byte
	latest time.Time
}

// add notes what tells a file from a changed one: a replaced file has another
// inode, and no program can set the time of the inode's change. Of a file that
// is missing, that it is.
func (s *survey) add(path string, follow bool) {
	s.text = append(append(s.text, path...), 0)
	var stat unix.Stat_t
	err := unix.Lstat(path, &stat)
	if follow && err == nil && stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		err = unix.Stat(path, &stat)
	}
	if err != nil {
		s.text = append(append(s.text, err.Error()...), 0)
		return
	}
	for _, n := range []int64{
		int64(stat.Dev), int64(stat.Ino), int64(stat.Mode), stat.Size,
		stat.Mtim.Nano(), stat.Ctim.Nano(),
	} {
		s.text = binary.LittleEndian.AppendUint64(s.text, uint64(n))
	}
	if changed := time.Unix(0, stat.Ctim.Nano()); changed.After(s.latest) {
		s.latest = changed
	}
}

// sameFile tells whether two paths lead to one file.
func sameFile(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}
