package vm

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fill sets every field of a value to something that is not zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Repeat("x", *n))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*n), 5)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	default:
		panic("fill knows no " + v.Kind().String())
	}
}

func TestRecordCodec(t *testing.T) {
	var r record
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	for _, want := range []record{r, {Made: time.Unix(0, 0)}} {
		got, err := decodeRecord(want.encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("decodeRecord(encode(%+v)) = %+v, %v; want the same", want, got, err)
		}
	}
	whole := r.encode()
	links := len(whole)
	for _, link := range r.Interpreter.Links {
		links -= len(link.Path) + len(link.Target) + 2
	}
	for n := range links {
		if got, err := decodeRecord(whole[:n]); err == nil {
			t.Errorf("decodeRecord of %d of %d bytes = %+v, nil; want an error", n, len(whole), got)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(record{Interpreter: Interpreter{Asked: "/usr/bin/python3", Path: []string{"/a", "/b"}, Links: []Link{{"/lib", "usr/lib"}}}}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		if again, err := decodeRecord(r.encode()); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("decodeRecord(encode(%+v)) = %+v, %v; want the same", r, again, err)
		}
	})
}

// stage is a made-up interpreter with files that its record depends on.
type stage struct {
	dir    string
	finder *finder
	record record
}

func newStage(t *testing.T, direct bool) *stage {
	t.Helper()
	c, _ := testCache(t)
	s := &stage{dir: t.TempDir()}
	for _, name := range []string{"python", "real", "site/a.pth", "pyvenv.cfg", "ld.so.cache", "cwd/x"} {
		writeScript(t, s.path(name), "")
	}
	if direct {
		os.Remove(s.path("python"))
		os.Symlink("real", s.path("python"))
	}
	os.Symlink("real", s.path("link"))
	s.finder = newFinder(Options{Cache: c, Env: []string{"HOME=" + s.dir, "PATH=/a"}, Dir: s.path("cwd")})
	s.record = record{
		Made: time.Now(),
		Interpreter: Interpreter{
			Asked: s.path("python"), Executable: s.path("real"), Path: []string{s.path("site")},
			Mounts: []string{s.path("ld.so.cache")}, Links: []Link{{s.path("link"), "real"}},
		},
		Watched: []string{s.path("site/a.pth"), s.path("pyvenv.cfg"), s.path("absent")},
	}
	time.Sleep(2 * racy)
	s.record.Made = time.Now()
	s.finder.remember(s.path("python"), s.record)
	return s
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) recalls() bool {
	f := newFinder(s.finder.Options)
	r, ok := f.recall(s.path("python"))
	return ok && r.Interpreter.Executable == s.path("real")
}

func TestRecordHolds(t *testing.T) {
	for _, direct := range []bool{true, false} {
		s := newStage(t, direct)
		if first, second := s.recalls(), s.recalls(); !first || !second {
			t.Errorf("direct %v: recall = a miss; want a hit", direct)
		}
		writeScript(t, s.path("site/package/module.py"), "")
		if s.recalls() {
			t.Errorf("direct %v: recall after a package was added = a hit; want a miss", direct)
		}
	}
}

func TestRecordFalls(t *testing.T) {
	replace := func(path string) error {
		old, err := os.Stat(path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".new", data, old.Mode()); err != nil {
			return err
		}
		os.Chtimes(path+".new", old.ModTime(), old.ModTime())
		return os.Rename(path+".new", path)
	}
	for name, change := range map[string]func(s *stage) error{
		"binary replaced":  func(s *stage) error { return replace(s.path("real")) },
		"binary removed":   func(s *stage) error { return os.Remove(s.path("real")) },
		"asked replaced":   func(s *stage) error { return replace(s.path("python")) },
		"venv changed":     func(s *stage) error { return os.WriteFile(s.path("pyvenv.cfg"), []byte("home = /x"), 0o644) },
		".pth changed":     func(s *stage) error { return os.WriteFile(s.path("site/a.pth"), []byte("/x"), 0o644) },
		"package removed":  func(s *stage) error { return os.Remove(s.path("site/a.pth")) },
		"absent appeared":  func(s *stage) error { return os.Mkdir(s.path("absent"), 0o755) },
		"loader's cache":   func(s *stage) error { return replace(s.path("ld.so.cache")) },
		"link led away":    func(s *stage) error { os.Remove(s.path("link")); return os.Symlink("real", s.path("link")) },
		"directory's time": func(s *stage) error { return os.Chtimes(s.path("site"), time.Unix(1, 0), time.Unix(1, 0)) },
	} {
		for _, direct := range []bool{true, false} {
			s := newStage(t, direct)
			if err := change(s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if s.recalls() {
				t.Errorf("%s, direct %v: recall = a hit; want a miss", name, direct)
			}
		}
	}
}

// Only what is not direct depends on what steers a version manager.
func TestRecordSteering(t *testing.T) {
	for name, change := range map[string]func(s *stage){
		"PATH":            func(s *stage) { s.finder.Env = []string{"HOME=" + s.dir, "PATH=/b"} },
		"PYENV_":          func(s *stage) { s.finder.Env = append(s.finder.Env, "PYENV_VERSION=3.12") },
		"directory":       func(s *stage) { s.finder.Dir = s.dir },
		"local file":      func(s *stage) { os.WriteFile(s.path("cwd/.python-version"), []byte("3.12"), 0o644) },
		"file above":      func(s *stage) { os.WriteFile(s.path(".tool-versions"), []byte("python 3.12"), 0o644) },
		"global file":     func(s *stage) { writeScript(t, s.path(".pyenv/version"), "3.12") },
		"age":             func(s *stage) { s.age(t, maxAge+time.Second) },
		"from the future": func(s *stage) { s.age(t, -time.Hour) },
	} {
		for _, direct := range []bool{true, false} {
			s := newStage(t, direct)
			change(s)
			if got := s.recalls(); got != direct {
				t.Errorf("%s, direct %v: recall = %v; want %v", name, direct, got, direct)
			}
		}
	}
	s := newStage(t, false)
	s.finder.Env = append(s.finder.Env, "WINDOWID=77")
	if !s.recalls() {
		t.Error("recall after another variable changed = a miss; want a hit")
	}
}

// age makes the record as old as it says.
func (s *stage) age(t *testing.T, age time.Duration) {
	t.Helper()
	r := s.record
	r.State = r.state()
	r.Made = time.Now().Add(-age)
	for _, steering := range []string{"", s.finder.steering()} {
		if _, ok := s.finder.load(recordKey(s.path("python"), steering)); ok {
			if err := s.finder.Cache.Put(recordKey(s.path("python"), steering), r.encode()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A change between a look and the end of the probe must not be taken for what
// was looked at.
func TestRecordRacy(t *testing.T) {
	s := newStage(t, true)
	os.WriteFile(s.path("site/a.pth"), []byte("/x"), 0o644)
	s.finder.remember(s.path("python"), s.record)
	if s.recalls() {
		t.Error("recall of what changed during the probe = a hit; want a miss")
	}
}

func TestRecordDamage(t *testing.T) {
	s := newStage(t, true)
	key := recordKey(s.path("python"), "")
	for _, blob := range [][]byte{nil, []byte("{}"), bytes.Repeat([]byte{0xff}, 100)} {
		if err := s.finder.Cache.Put(key, blob); err != nil {
			t.Fatal(err)
		}
		if s.recalls() {
			t.Errorf("recall of %q = a hit; want a miss", blob)
		}
	}
}

// Find believes an old failure of a candidate, but not of what was named.
func TestFindRecallsFailures(t *testing.T) {
	requireSystem(t)
	c, _ := testCache(t)
	dir := t.TempDir()
	path := writeScript(t, filepath.Join(dir, "python3"), "echo x >>"+dir+"/runs; exit 1")
	time.Sleep(2 * racy)
	opt := searched(t, dir, "/usr/bin")
	opt.Cache = c
	for _, test := range []struct {
		choice string
		runs   int
	}{{"", 1}, {"", 1}, {path, 2}, {path, 3}, {"", 3}} {
		Find(context.Background(), test.choice, opt)
		runs, _ := os.ReadFile(dir + "/runs")
		if got := strings.Count(string(runs), "x"); got != test.runs {
			t.Errorf("after Find(%q) %d runs; want %d", test.choice, got, test.runs)
		}
	}
}

func TestFindRecalls(t *testing.T) {
	requireSystem(t)
	c, _ := testCache(t)
	opt := searched(t, "/usr/bin")
	opt.Cache = c
	first, err := Find(context.Background(), "", opt)
	if err != nil {
		t.Fatal(err)
	}
	opt.Timeout = time.Nanosecond // no probe could succeed now
	again, err := Find(context.Background(), "", opt)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("Find = %+v, %v; want from the cache %+v", again, err, first)
	}
	opt.Cache = nil
	if i, err := Find(context.Background(), "", opt); err == nil {
		t.Errorf("Find without a cache = %+v, nil; want a timeout", i)
	}
}

func BenchmarkFindHit(b *testing.B) {
	c, err := openCache(filepath.Join(b.TempDir(), "hotcell"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for b.Loop() {
		if _, err := Find(context.Background(), systemPython, Options{Cache: c}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindMiss(b *testing.B) {
	for b.Loop() {
		if _, err := Find(context.Background(), systemPython, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
