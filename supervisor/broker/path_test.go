package broker

import (
	"bytes"
	"path"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLexically(t *testing.T) {
	for _, test := range []struct {
		base, text, want string
		end              ending
		folder, popped   bool
	}{
		{"/", "/", "/", endsInRoot, true, false}, {"/", "///", "/", endsInRoot, true, false},
		{"/a", "b", "/a/b", endsInName, false, false}, {"/", "b", "/b", endsInName, false, false},
		{"/a", "/b/c", "/b/c", endsInName, false, false}, {"/a", ".", "/a", endsInDot, true, false},
		{"/a/b", "..", "/a", endsInDotDot, true, false}, {"/a/b", "../..", "/", endsInDotDot, true, false},
		{"/a/b", "../../../x", "/x", endsInName, false, false}, {"/a/b", "x/..", "/a/b", endsInDotDot, true, true},
		{"/a/b", "../x/../y", "/a/y", endsInName, false, true}, {"/", "/x/..", "/", endsInDotDot, true, true},
		{"/a", "b/", "/a/b", endsInName, true, false}, {"/a", "b/.", "/a/b", endsInDot, true, false},
		{"/a", "./b//c", "/a/b/c", endsInName, false, false}, {"/a", "...", "/a/...", endsInName, false, false},
		{"/a", "..b/.c", "/a/..b/.c", endsInName, false, false},
	} {
		l := lexically(nil, test.base, []byte(test.text))
		if string(l.path) != test.want || l.end != test.end || l.folder != test.folder || l.popped != test.popped {
			t.Errorf("lexically(%q, %q) = %q, %d, %v, %v; want %q, %d, %v, %v", test.base, test.text,
				l.path, l.end, l.folder, l.popped, test.want, test.end, test.folder, test.popped)
		}
	}
}

func FuzzLexically(f *testing.F) {
	for _, p := range insidePaths() {
		f.Add("/a/b", p)
	}
	f.Fuzz(func(t *testing.T, base, text string) {
		base = path.Clean("/" + base)
		if text == "" {
			return
		}
		want := path.Clean("/" + text)
		if text[0] != '/' {
			want = path.Clean(base + "/" + text)
		}
		l := lexically(nil, base, []byte(text))
		if string(l.path) != want {
			t.Errorf("lexically(%q, %q) = %q; want %q", base, text, l.path, want)
		}
		if again := lexically(nil, "/", l.path); string(again.path) != string(l.path) || again.popped {
			t.Errorf("lexically(%q) = %q, popped %v; want itself", l.path, again.path, again.popped)
		}
	})
}

// TestReadPath: no byte twice, and no page before it is needed.
func TestReadPath(t *testing.T) {
	end := uint64(memoryBase + 64*pageSize)
	for _, test := range []struct {
		name string
		at   uint64
		text string
		want unix.Errno
	}{
		{"short", memoryBase, "/a\x00", 0}, {"empty", memoryBase, "\x00", 0},
		{"at the end of memory", end - 3, "/a\x00", 0}, {"without an end", end - 3, "/ab", unix.EFAULT},
		{"the longest", memoryBase + 5, strings.Repeat("a", maxPath-1) + "\x00", 0},
		{"too long", memoryBase + 5, strings.Repeat("a", maxPath) + "\x00", unix.ENAMETOOLONG},
		{"of one first read", memoryBase, strings.Repeat("a", firstRead) + "\x00", 0},
		{"nowhere", 0, "", unix.EFAULT}, {"at the last address", ^uint64(0), "", unix.EFAULT},
	} {
		f := newFake(t)
		if b, err := f.at(test.at, len(test.text)); err == nil {
			copy(b, test.text)
		}
		var ranges [][2]uint64
		watched := readWatcher{f, &ranges}
		var buf [maxPath]byte
		got, errno := readPath(watched, test.at, &buf)
		if errno != test.want || errno == 0 && string(got) != strings.TrimSuffix(test.text, "\x00") {
			t.Errorf("readPath of one %s = %.20q, %v; want %.20q, %v", test.name, got, errno, test.text, test.want)
		}
		for i, r := range ranges {
			if i > 0 && r[0] != ranges[i-1][1] || r[0]/pageSize != (r[1]-1)/pageSize {
				t.Errorf("readPath of one %s reads %x; want each byte once and no page before its time", test.name, ranges)
			}
		}
	}
}

type readWatcher struct {
	*fake
	ranges *[][2]uint64
}

func (w readWatcher) Read(address uint64, into []byte) error {
	*w.ranges = append(*w.ranges, [2]uint64{address, address + uint64(len(into))})
	return w.fake.Read(address, into)
}

// FuzzResolve compares with the kernel: what the broker finds lies in the tree
// and is what the kernel finds, and what it refuses the kernel does not find
// there.
func FuzzResolve(f *testing.F) {
	for _, p := range insidePaths() {
		f.Add(p)
	}
	for _, p := range []string{"out", "outdir/secret", "absout", "absoutdir/passwd", "../root/file", "outdir/root/dir/a", "viaroot", "../.."} {
		f.Add(p)
	}
	root := tree(f)
	inside := inodes(f, root)
	b, _ := grant(f, root)
	b.decide = allowAll
	sandbox := newFake(f)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.IndexByte(text, 0) >= 0 || len(text) > 5000 {
			return
		}
		sandbox.t = t
		got, want := make([]byte, sizeofStat), make([]byte, sizeofStat)
		_, errno := sandbox.call(b, unix.SYS_STAT, root+"/"+text, got)
		_, kernel := kernelCall(t, unix.SYS_STAT, root+"/"+text, want)
		if errno == 0 && !inside[statOf(got).Ino] {
			t.Fatalf("stat(%q) found inode %d outside the tree", text, statOf(got).Ino)
		}
		known := kernel == 0 && inside[statOf(want).Ino]
		switch {
		case errno == 0 && known && statOf(got).Ino != statOf(want).Ino:
			t.Errorf("stat(%q) found inode %d; want %d", text, statOf(got).Ino, statOf(want).Ino)
		case errno != 0 && known && !bytes.Contains([]byte(text), []byte("..")):
			t.Errorf("stat(%q) = %v; want inode %d", text, errno, statOf(want).Ino)
		}
	})
}
