package child

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// scratchName is argv[0] of a process that makes one scratch for a supervisor
// without the right to mount, and ends.
const scratchName = "hotcell-scratch"

// ScratchArgs starts such a process, in user and mount namespaces of its own.
// It sends one datagram to descriptor 3: a descriptor of the scratch, or a
// StageError as JSON.
func ScratchArgs(size, inodes int64) []string {
	return []string{scratchName, strconv.FormatInt(size, 10), strconv.FormatInt(inodes, 10)}
}

// ScratchAnswer reads such a datagram: nil means that it brought a scratch, and
// a *StageError that none could be made.
func ScratchAnswer(datagram []byte) error {
	var failed *StageError
	if err := json.Unmarshal(datagram, &failed); err != nil {
		return fmt.Errorf("answer %q of the maker of scratch: %w", datagram, err)
	}
	if failed != nil {
		return failed
	}
	return nil
}

// scratchSocket is where the scratch goes.
const scratchSocket = 3

// sendScratch uses one thread: rights belong to threads.
func sendScratch(size, inodes string) error {
	runtime.LockOSThread()
	var answer, rights []byte
	scratch, err := parseAndMount(size, inodes)
	if err == nil {
		answer, rights = []byte("null"), unix.UnixRights(scratch)
	} else if answer, err = json.Marshal(stageError("scratch", err)); err != nil {
		return err
	}
	return unix.Sendmsg(scratchSocket, answer, rights, nil, 0)
}

func parseAndMount(size, inodes string) (int, error) {
	bytes, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return -1, err
	}
	files, err := strconv.ParseInt(inodes, 10, 64)
	if err != nil {
		return -1, err
	}
	return MountScratch(bytes, files)
}

// MountScratch makes a tmpfs of at most size bytes and inodes files and
// directories, attached nowhere, and gives a descriptor of its root. Nothing
// in it can be executed, and no file in it is a device. It takes the right to
// mount.
func MountScratch(size, inodes int64) (int, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	// One inode more: the root is one.
	options := [][2]string{
		{"size", strconv.FormatInt(size, 10)},
		{"nr_inodes", strconv.FormatInt(inodes+1, 10)},
		{"mode", "0700"},
	}
	for _, o := range options {
		if err := unix.FsconfigSetString(fs, o[0], o[1]); err != nil {
			return -1, fmt.Errorf("fsconfig %s=%s: %w", o[0], o[1], err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("fsconfig create: %w", err)
	}
	const attributes = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attributes)
	if err != nil {
		return -1, fmt.Errorf("fsmount: %w", err)
	}
	return fd, nil
}

// scratchMain ends the process: with 0 when the supervisor was answered.
func scratchMain(size, inodes string) {
	if err := sendScratch(size, inodes); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}
