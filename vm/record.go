package vm

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// record is a probe's answer in the cache, with what it is believed on.
//
// It holds while every file that made the answer is the same: the file asked
// for, the real binary, each entry of sys.path and each site directory
// (installing or removing a package changes the directory), .pth files,
// pyvenv.cfg, numpy's files, the loader's cache, and the links of the root.
//
// Where the file asked for is not the one that ran (a version manager's
// script), and where the probe failed, more decides than can be listed: then
// the record also belongs to the environment, directory and files that steer
// such scripts, and is too old after maxAge. Longer would hide a change made
// by other means, shorter would pay the probe too often. An error is told
// from the cache only about candidates that nobody asked for by name.
type record struct {
	Made        time.Time
	Interpreter Interpreter
	Failure     string // why there is none
	Watched     []string
	State       string // of all files above
}

// maxAge bounds the life of a record that files alone do not decide on.
const maxAge = 10 * time.Minute

// racy is how far a file's change must lie before the probe: the kernel's
// clock for files ticks only every few milliseconds, so that a change right
// after a look may leave the same time.
const racy = 20 * time.Millisecond

// recordSchema changes with the meaning of a record's fields.
const recordSchema = "2"

// recordKey names the record of a path; steering is empty where the path
// alone decides. The scripts belong to it: another Hotcell asks other things.
func recordKey(asked, steering string) string {
	h := sha256.New()
	for _, part := range []string{recordSchema, identifyScript, examineScript, asked, steering} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return "probe-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// recall finds a valid record of a path.
func (f *finder) recall(asked string) (record, bool) {
	if f.Cache == nil {
		return record{}, false
	}
	if r, ok := f.load(recordKey(asked, "")); ok && r.Interpreter.direct() && r.State == r.state() {
		return r, true
	}
	r, ok := f.load(recordKey(asked, f.steering()))
	age := time.Since(r.Made)
	if !ok || age < 0 || age > maxAge || r.State != r.state() {
		return record{}, false
	}
	return r, true
}

func (f *finder) load(key string) (record, bool) {
	data, ok := f.Cache.Blob(key)
	if !ok {
		return record{}, false
	}
	r, err := decodeRecord(data)
	return r, err == nil
}

// remember keeps an answer, unless one of its files changed while it was
// being made or so shortly before that the next change might not show. An
// answer that cannot be kept is made again next time.
func (f *finder) remember(asked string, r record) {
	if f.Cache == nil {
		return
	}
	var latest time.Time
	r.State, latest = r.survey()
	if !latest.Before(r.Made.Add(-racy)) {
		return
	}
	key := recordKey(asked, f.steering())
	if r.Failure == "" && r.Interpreter.direct() {
		key = recordKey(asked, "")
	}
	f.Cache.Put(key, r.encode())
}

// direct tells that the path asked for leads to the binary by links alone, and
// that nothing went wrong which might go right the next time.
func (i Interpreter) direct() bool {
	return i.NumpyError == "" && i.Executable != "" && sameFile(i.Asked, i.Executable)
}

func (r record) state() string {
	state, _ := r.survey()
	return state
}

// survey gives a digest of the identity of all files that the record depends
// on, and the time of the latest change among them.
func (r record) survey() (string, time.Time) {
	i := r.Interpreter
	var s survey
	files := slices.Concat([]string{i.Asked, i.Executable}, i.Path, i.Mounts, r.Watched)
	slices.Sort(files)
	for _, path := range slices.Compact(files) {
		s.add(path, true)
	}
	for _, link := range i.Links {
		s.add(link.Path, false)
	}
	sum := sha256.Sum256(s.text)
	return hex.EncodeToString(sum[:]), s.latest
}
