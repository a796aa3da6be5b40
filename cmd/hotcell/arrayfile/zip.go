package arrayfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"

	"hotcell/shm"
	"hotcell/shm/npy"
)

// maxInflation is the most that deflate can make of one byte. A member that
// claims more is no deflated member, and is refused before it is allocated.
const maxInflation = 1032

func (l *loader) npz() (*Input, error) {
	archive, err := zip.NewReader(l.file, l.size)
	if err != nil {
		return nil, l.bad(fmt.Errorf("damaged, or not an .npz archive: %w", err))
	}
	member, err := findMember(archive, l.spec.Key)
	if err != nil {
		return nil, l.bad(err)
	}
	l.where += ": member " + shown(member.Name)
	data, err := l.openMember(member)
	if err != nil {
		return nil, l.bad(err)
	}
	defer data.Close()
	return l.member(data, member.UncompressedSize64)
}

// member loads an array from a stream of which the archive says that it has
// size bytes. The selection goes straight into the region; the bytes behind
// it are read too, since the checksum comes at the end.
func (l *loader) member(data io.Reader, size uint64) (*Input, error) {
	h, err := npy.ReadHeaderStream(data)
	if err != nil {
		return nil, l.bad(err)
	}
	ref, p, err := l.selection(h)
	if err != nil {
		return nil, l.bad(err)
	}
	whole, err := (shm.Ref{DType: h.DType, Shape: h.Shape}).Bytes()
	if err != nil {
		return nil, l.bad(err)
	}
	if want := uint64(h.DataOffset) + uint64(whole); want > size {
		return nil, l.bad(fmt.Errorf("truncated: the header asks for %d bytes, the archive has %d", want, size))
	}
	src := &forward{r: data, pos: h.DataOffset}
	return l.fill(ref, p, func(region *shm.Region) error {
		if err := l.gather(region, src, h.DataOffset, p); err != nil {
			return err
		}
		return drain(src, size)
	})
}

// drain reads up to the end, which must come where the archive says.
func drain(src *forward, size uint64) error {
	_, err := io.CopyN(io.Discard, src.r, int64(size)-src.pos+1)
	switch err {
	case io.EOF:
		return nil
	case nil:
		return errors.New("damaged: more data than the archive says")
	}
	return fmt.Errorf("damaged: %w", err)
}

// findMember prefers "KEY.npy", as numpy does, and the last one of a name.
func findMember(archive *zip.Reader, key string) (*zip.File, error) {
	var exact, withExt *zip.File
	var keys []string
	for _, member := range archive.File {
		keys = append(keys, strings.TrimSuffix(member.Name, ".npy"))
		switch member.Name {
		case key:
			exact = member
		case key + ".npy":
			withExt = member
		}
	}
	switch {
	case key == "":
		return nil, fmt.Errorf("name one of its arrays as FILE.npz:KEY; it has %s", shownList(keys))
	case withExt != nil:
		return withExt, nil
	case exact != nil:
		return exact, nil
	}
	return nil, fmt.Errorf("no array %s; it has %s", shown(key), shownList(keys))
}

func (l *loader) openMember(member *zip.File) (io.ReadCloser, error) {
	const encrypted = 1
	switch {
	case member.Flags&encrypted != 0:
		return nil, errors.New("encrypted; save the archive without a password")
	case member.Method != zip.Store && member.Method != zip.Deflate:
		return nil, fmt.Errorf("compression method %d is not supported; save it with numpy.savez_compressed", member.Method)
	case member.CompressedSize64 > uint64(l.size):
		return nil, errors.New("truncated: it claims more bytes than the archive has")
	case member.UncompressedSize64 > (member.CompressedSize64+1)*maxInflation:
		return nil, fmt.Errorf("damaged: %d bytes cannot come from %d compressed ones", member.UncompressedSize64, member.CompressedSize64)
	}
	r, err := member.Open()
	if err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	return r, nil
}
