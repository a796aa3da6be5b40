package arrayfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"hotcell/shm"
	"hotcell/shm/npy"
)

// Input is one array in a region of its own, at offset 0. The region is
// frozen: nobody can write it any more. The caller closes it.
type Input struct {
	Region *shm.Region
	Ref    shm.Ref
}

// Load copies the selected elements of a file into a new region. A whole
// .npy, or a slice that is one run of its bytes, goes over in one copy inside
// the kernel. An array larger than the machine's memory is refused. Errors of
// the file or of the spec are *InputError, others the host's.
func Load(spec Spec) (*Input, error) {
	return LoadLimited(spec, machineMemory())
}

// LoadLimited is Load with a bound on the bytes of the selected elements.
func LoadLimited(spec Spec, maxBytes int64) (*Input, error) {
	file, size, err := open(spec.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	l := loader{spec: spec, where: shown(spec.Path), file: file, size: size, maxBytes: maxBytes}
	switch spec.Format {
	case NPY:
		return l.npy()
	case NPZ:
		return l.npz()
	case CSV:
		return l.csv()
	}
	return nil, l.bad(fmt.Errorf("unknown format %d", spec.Format))
}

// open opens a regular file. O_NONBLOCK keeps a fifo without a writer from
// blocking the command for ever, O_NOCTTY a terminal from becoming ours.
func open(path string) (*os.File, int64, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, unusable("%s: %w; check the path after the @", shown(path), unix.ENOENT)
	case errors.Is(err, unix.ENXIO):
		return nil, 0, unusable("%s: not a regular file", shown(path))
	case err != nil:
		return nil, 0, unusable("%s: open: %w", shown(path), cause(err))
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = unusable("%s: stat: %w", shown(path), cause(err))
	case info.IsDir():
		err = unusable("%s: %w; give an array file in it", shown(path), unix.EISDIR)
	case !info.Mode().IsRegular():
		err = unusable("%s: not a regular file", shown(path))
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// cause takes the path out of an error: messages name it once, printable.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

func machineMemory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return math.MaxInt64
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// loader is one Load.
type loader struct {
	spec     Spec
	where    string // the file, and a member in it, for messages
	file     *os.File
	size     int64
	maxBytes int64
}

// bad is an error of the file.
func (l *loader) bad(err error) error {
	return unusable("%s: %w", l.where, err)
}

func (l *loader) npy() (*Input, error) {
	h, err := npy.ReadHeader(l.file, l.size)
	if err != nil {
		return nil, l.bad(err)
	}
	ref, p, err := l.selection(h)
	if err != nil {
		return nil, l.bad(err)
	}
	return l.fill(ref, p, func(region *shm.Region) error {
		if off, ok := p.contiguous(); ok {
			return region.FillFrom(l.file, h.DataOffset+off, p.size)
		}
		return l.gather(region, l.file, h.DataOffset, p)
	})
}

// selection gives the reference of the selected elements and how to get them.
func (l *loader) selection(h npy.Header) (shm.Ref, plan, error) {
	ref := shm.Ref{Name: l.spec.Name, DType: h.DType, Shape: h.Shape}
	// newPlan multiplies without looking.
	if _, err := ref.Bytes(); err != nil {
		return ref, plan{}, err
	}
	fortran := h.Fortran && len(h.Shape) > 1
	p, shape, err := newPlan(h.Shape, fortran, int64(h.DType.ItemSize()), l.spec.Slices)
	if err != nil {
		return ref, plan{}, err
	}
	ref.Shape, ref.Fortran = shape, fortran
	if p.size > l.maxBytes {
		return ref, plan{}, fmt.Errorf("the selected elements take %d bytes, at most %d are allowed; select fewer with a slice", p.size, l.maxBytes)
	}
	return ref, p, nil
}

// fill makes the region, lets write fill it, and freezes it. Errors of write
// are the file's.
func (l *loader) fill(ref shm.Ref, p plan, write func(*shm.Region) error) (*Input, error) {
	region, err := shm.Create("input-"+ref.Name, p.size)
	if err != nil {
		return nil, fmt.Errorf("create region for %s: %w", l.where, err)
	}
	if p.size > 0 {
		if err := write(region); err != nil {
			region.Close()
			return nil, l.bad(err)
		}
	}
	if err := region.Freeze(); err != nil {
		region.Close()
		return nil, fmt.Errorf("freeze region for %s: %w", l.where, err)
	}
	return &Input{Region: region, Ref: ref}, nil
}

func (l *loader) gather(region *shm.Region, src io.ReaderAt, base int64, p plan) error {
	dst, err := region.Map()
	if err != nil {
		return fmt.Errorf("map region: %w", err)
	}
	return gather(dst, src, base, p, windowSize)
}
