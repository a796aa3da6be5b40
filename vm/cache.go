package vm

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Cache is a directory of small files that cost time to make again: probes'
// answers and compiled shims. It belongs to the invoking user, whose own
// interpreters they come from; what another user could have written is never
// read. A nil Cache is empty and keeps nothing. It may be used by several
// goroutines and processes at once.
type Cache struct {
	root *os.Root
}

// Bounds of the directory. What is over them goes when something is added.
const (
	maxBlob    = 8 << 20
	maxBlobs   = 256
	maxBlobAge = 30 * 24 * time.Hour
)

// OpenCache opens the user's cache and makes it if need be. The error is for
// information: everything works without a cache, only slower.
func OpenCache() (*Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find cache directory: %w", err)
	}
	return openCache(filepath.Join(dir, "hotcell"))
}

func openCache(dir string) (*Cache, error) {
	if err := makeOwn(dir); err != nil {
		return nil, fmt.Errorf("make cache: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = own(info)
	}
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("open cache %s: %w", dir, err)
	}
	return &Cache{root: root}, nil
}

// makeOwn makes a directory and the ones above it, but not in another user's
// directory: under sudo HOME may still be that of the caller, who could not
// use or remove what root made there.
func makeOwn(dir string) error {
	info, err := os.Stat(dir)
	if err == nil {
		return owner(info)
	}
	if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
		return err
	}
	if err := makeOwn(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// own refuses what is not ours alone to write.
func own(info os.FileInfo) error {
	if err := owner(info); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("others may write to it (mode %#o); chmod go-w it", mode)
	}
	return nil
}

func owner(info os.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user", info.Name())
	}
	return nil
}

// Close releases the directory.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	return c.root.Close()
}

// blobMagic begins each file; the checksum follows.
const blobMagic = "hotcell-blob-1\n"

const blobHeader = len(blobMagic) + 4

// castagnoli is made when it is needed: its tables take half a millisecond,
// which every start of a child would pay.
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// Blob gives what was put under a key. Damage of any kind is a miss.
func (c *Cache) Blob(key string) ([]byte, bool) {
	if c == nil || !validKey().MatchString(key) {
		return nil, false
	}
	f, err := c.root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || own(info) != nil ||
		info.Size() < int64(blobHeader) || info.Size() > int64(blobHeader+maxBlob) {
		return nil, false
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, false
	}
	header, body := data[:blobHeader], data[blobHeader:]
	if !bytes.Equal(header, blobHead(body)) {
		return nil, false
	}
	return body, true
}

func blobHead(body []byte) []byte {
	// A checksum, not a signature: who can write here is the user.
	return binary.LittleEndian.AppendUint32([]byte(blobMagic), crc32.Checksum(body, castagnoli()))
}

var validKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`) })

// temporary begins the names of files that are being written; no key does.
const temporary = "~"

// Put keeps a blob under a key of lower-case letters, digits and dashes.
func (c *Cache) Put(key string, blob []byte) error {
	if c == nil {
		return nil
	}
	if !validKey().MatchString(key) {
		return fmt.Errorf("put %q into cache: malformed key", key)
	}
	if len(blob) > maxBlob {
		return fmt.Errorf("put %s into cache: %d bytes are too many", key, len(blob))
	}
	if err := c.write(key, append(blobHead(blob), blob...)); err != nil {
		return fmt.Errorf("put %s into cache: %w", key, err)
	}
	c.prune(time.Now())
	return nil
}

// write replaces the file at once. It is not synced: a crash of the machine
// may leave rubbish, which the checksum tells.
func (c *Cache) write(key string, data []byte) error {
	name := temporary + rand.Text()
	f, err := c.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = c.root.Rename(name, key)
	}
	if err != nil {
		c.root.Remove(name)
	}
	return err
}

// prune removes what is old, what a killed writer left, and the oldest of too
// many. It does what it can.
func (c *Cache) prune(now time.Time) {
	dir, err := c.root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	files, err := dir.Readdir(-1)
	if err != nil {
		return
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	kept := 0
	for _, file := range files {
		age, limit := now.Sub(file.ModTime()), maxBlobAge
		if strings.HasPrefix(file.Name(), temporary) {
			limit = time.Hour
		}
		if age > limit || kept == maxBlobs {
			c.root.Remove(file.Name())
			continue
		}
		kept++
	}
}
