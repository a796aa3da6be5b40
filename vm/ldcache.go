package vm

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
)

const maxLoaderCache = 16 << 20

// loaderMagic begins the format that glibc has written by itself since 2.32.
const loaderMagic = "glibc-ld.so.cache1.1"

// Layout of the format: a header, entries, strings that entries point to from
// the start of the file.
const (
	loaderHeader = 48
	loaderEntry  = 24
)

// loaderFlags marks libraries of this architecture (glibc's FLAG_ELF_LIBC6
// with the one of the machine).
var loaderFlags = map[string]uint32{"amd64": 0x0303, "arm64": 0x0a03}[runtime.GOARCH]

// parseLoaderCache gives the paths of this machine's libraries, nothing for a
// format it does not know: a root without them still has all that was loaded.
func parseLoaderCache(data []byte) []string {
	if len(data) < loaderHeader || string(data[:len(loaderMagic)]) != loaderMagic {
		return nil
	}
	count := int64(binary.NativeEndian.Uint32(data[len(loaderMagic):]))
	if loaderHeader+count*loaderEntry > int64(len(data)) {
		return nil
	}
	var paths []string
	for i := range count {
		entry := data[loaderHeader+i*loaderEntry:]
		if binary.NativeEndian.Uint32(entry) != loaderFlags {
			continue
		}
		at := int64(binary.NativeEndian.Uint32(entry[8:]))
		if at >= int64(len(data)) {
			continue
		}
		text := data[at:min(at+maxPath, int64(len(data)))]
		end := bytes.IndexByte(text, 0)
		if path := string(text[:max(end, 0)]); strings.HasPrefix(path, "/") {
			paths = append(paths, path)
		}
	}
	return paths
}
