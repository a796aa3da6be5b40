package shm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Freeze ends all writing: it gives up the region's own mapping and seals as
// Seal does. It is for the one who filled the region, before anybody else
// holds it.
func (r *Region) Freeze() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	seals, err := sealsOf(r.file)
	if err != nil {
		return err
	}
	// After FreezeOthers it cannot succeed; then the mapping must stay.
	if seals&unix.F_SEAL_SEAL != 0 {
		return fmt.Errorf("freeze region: seals are final: %w", unix.EPERM)
	}
	if err := r.unmap(); err != nil {
		return err
	}
	return r.addSeals(unix.F_SEAL_WRITE | unix.F_SEAL_SEAL)
}

// FreezeOthers leaves the mapping that Map gave as the only way to write, and
// so this process as the only writer: nobody can map the region for writing
// any more, write(2) it, punch holes or make an old mapping writable, through
// this descriptor or one of its own. Call it after Map and before anybody
// else holds the region; a mapping made in between would go on writing. The
// region cannot be frozen later.
func (r *Region) FreezeOthers() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mapping == nil && r.size > 0 {
		return errors.New("freeze region for others: it is not mapped, so nobody could ever write it")
	}
	return r.addSeals(unix.F_SEAL_FUTURE_WRITE | unix.F_SEAL_SEAL)
}

// Seal makes the kernel prove that nobody can write the region any more. It
// fails with EBUSY while a writable mapping exists in any process, Map's
// included; then copy the bytes instead of waiting, for a hostile process can
// keep its mapping for ever. Pages that a process has pinned for I/O make the
// kernel itself wait for up to 150 ms before it says EBUSY.
func (r *Region) Seal() error {
	return r.addSeals(unix.F_SEAL_WRITE | unix.F_SEAL_SEAL)
}

// addSeals adds a set in one call, of which the kernel takes all or none. So
// F_SEAL_SEAL, which no other seal can follow, may come in the set that it
// ends, and there is no state between the two.
func (r *Region) addSeals(seals int) error {
	err := control(r.file, func(fd int) error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
		return err
	})
	if err != nil {
		return fmt.Errorf("seal region: %w", err)
	}
	return nil
}

func sealsOf(file *os.File) (seals int, err error) {
	err = control(file, func(fd int) (err error) {
		seals, err = unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read seals: %w", err)
	}
	return seals, nil
}
