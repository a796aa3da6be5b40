package vm

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"
)

// loaderCacheOf writes the loader's format: entries of flags and path.
func loaderCacheOf(count uint32, entries ...any) []byte {
	data := make([]byte, loaderHeader)
	copy(data, loaderMagic)
	binary.NativeEndian.PutUint32(data[len(loaderMagic):], count)
	text := []byte{}
	start := loaderHeader + len(entries)/2*loaderEntry
	for i := 0; i < len(entries); i += 2 {
		entry := make([]byte, loaderEntry)
		binary.NativeEndian.PutUint32(entry, entries[i].(uint32))
		binary.NativeEndian.PutUint32(entry[8:], uint32(start+len(text)))
		data = append(data, entry...)
		text = append(append(text, entries[i+1].(string)...), 0)
	}
	return append(data, text...)
}

func TestParseLoaderCache(t *testing.T) {
	whole := loaderCacheOf(2, loaderFlags, "/lib/a.so.1", loaderFlags, "/lib/b.so.2")
	for _, test := range []struct {
		name string
		data []byte
		want []string
	}{
		{"empty", nil, nil},
		{"short", []byte(loaderMagic), nil},
		{"another format", append([]byte("ld.so-1.7.0"), make([]byte, 100)...), nil},
		{"two", whole, []string{"/lib/a.so.1", "/lib/b.so.2"}},
		{"other machines", loaderCacheOf(3, uint32(3), "/lib32/a", loaderFlags, "/lib/b", uint32(0x0803), "/libx32/c"), []string{"/lib/b"}},
		{"relative path", loaderCacheOf(1, loaderFlags, "lib/a"), nil},
		{"more entries than data", loaderCacheOf(1<<31, loaderFlags, "/lib/a"), nil},
		{"cut in a string", whole[:len(whole)-3], []string{"/lib/a.so.1"}},
		{"cut in the entries", whole[:loaderHeader+10], nil},
	} {
		if got := parseLoaderCache(test.data); !slices.Equal(got, test.want) {
			t.Errorf("parseLoaderCache(%s) = %q; want %q", test.name, got, test.want)
		}
	}
}

func FuzzParseLoaderCache(f *testing.F) {
	f.Add(loaderCacheOf(2, loaderFlags, "/lib/a.so.1", uint32(3), "/lib/b.so.2"))
	if data, err := os.ReadFile(loaderCache); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, path := range parseLoaderCache(data) {
			if path == "" || path[0] != '/' || len(path) > maxPath {
				t.Errorf("parseLoaderCache gave %q; want an absolute path", path)
			}
		}
	})
}
