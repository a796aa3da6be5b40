package syscallpolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// profile is a table of system calls that was read from an OCI seccomp
// profile. It lives in the supervisor (parent).
//
// It only ever narrows. What it allows is not allowed by that: the filter's
// own list and the rules decide as without it. What it refuses or kills is
// refused or killed before any rule is asked, whatever the rules say, and is
// taken from the filter's list if it stands there. What it has notified is
// taken from that list too, and so decided by the rules, and on record.
type profile struct {
	name   string
	byCall map[string][]profileEntry
	rest   profileEntry // for calls that no entry matches
	taken  []string     // what the filter must ask about because of it, sorted
}

// profileEntry is one action with the arguments for which it is meant.
type profileEntry struct {
	action profileAction
	errno  unix.Errno
	when   []specs.LinuxSeccompArg
}

// profileAction is ordered by strictness: where several entries match a
// call, the strictest counts, as their order means nothing in the format.
type profileAction uint8

const (
	profileAllow profileAction = iota
	profileNotify
	profileErrno
	profileKill
)

var profileActions = map[specs.LinuxSeccompAction]profileAction{
	specs.ActAllow: profileAllow, specs.ActLog: profileAllow, specs.ActNotify: profileNotify,
	specs.ActErrno: profileErrno, specs.ActTrace: profileErrno,
	specs.ActTrap: profileKill, specs.ActKill: profileKill, specs.ActKillProcess: profileKill, specs.ActKillThread: profileKill,
}

// profileFile is the format of the OCI runtime specification with what
// Docker's own files add. Fields that are not here are refused: one that was
// skipped could have been a refusal.
type profileFile struct {
	specs.LinuxSeccomp
	Syscalls []profileCall   `json:"syscalls"`
	ArchMap  json.RawMessage `json:"archMap"`
}

type profileCall struct {
	specs.LinuxSyscall
	Name     string           `json:"name"`
	Comment  string           `json:"comment"`
	Includes profileCondition `json:"includes"`
	Excludes profileCondition `json:"excludes"`
}

type profileCondition struct {
	Caps      []string `json:"caps"`
	Arches    []string `json:"arches"`
	MinKernel string   `json:"minKernel"`
}

// readProfile reads a table and gives warnings about what it asks for and
// cannot have.
func readProfile(name string, data []byte) (*profile, []string, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var file profileFile
	if err := d.Decode(&file); err != nil {
		return nil, nil, fmt.Errorf("%s is no OCI seccomp profile: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: something follows the profile", name)
	}
	p := &profile{name: name, byCall: map[string][]profileEntry{}}
	var err error
	if p.rest, err = newEntry(file.DefaultAction, file.DefaultErrnoRet, nil); err != nil {
		return nil, nil, fmt.Errorf("%s: defaultAction: %w", name, err)
	}
	for i, c := range file.Syscalls {
		if err := p.add(c, file.DefaultErrnoRet); err != nil {
			return nil, nil, fmt.Errorf("%s: syscalls[%d]: %w", name, i, err)
		}
	}
	conditional, err := p.take()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, p.warn(file, conditional), nil
}

func newEntry(action specs.LinuxSeccompAction, errno *uint, when []specs.LinuxSeccompArg) (profileEntry, error) {
	a, ok := profileActions[action]
	if !ok {
		return profileEntry{}, fmt.Errorf("unknown action %q", action)
	}
	e := profileEntry{action: a, when: when}
	switch {
	case action == specs.ActTrace:
		e.errno = unix.ENOSYS // what the kernel says where no tracer is
	case a == profileErrno && errno != nil:
		if *errno == 0 || *errno > 4095 {
			return e, fmt.Errorf("errno %d would not refuse the call", *errno)
		}
		e.errno = unix.Errno(*errno)
	}
	for _, arg := range when {
		if arg.Index > 5 || !slices.Contains(comparisons, arg.Op) {
			return e, fmt.Errorf("argument %d, operator %q: there are arguments 0 to 5 and the operators %v", arg.Index, arg.Op, comparisons)
		}
	}
	return e, nil
}

var comparisons = []specs.LinuxSeccompOperator{
	specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpEqualTo, specs.OpGreaterEqual, specs.OpGreaterThan, specs.OpMaskedEqual,
}

// add takes one element of the list of calls, if it speaks of a process
// without capabilities on this architecture.
func (p *profile) add(c profileCall, errno *uint) error {
	if c.ErrnoRet != nil {
		errno = c.ErrnoRet
	}
	e, err := newEntry(c.Action, errno, c.Args)
	if err != nil {
		return err
	}
	calls := c.Names
	if c.Name != "" {
		calls = append(calls, c.Name)
	}
	if len(calls) == 0 {
		return errors.New("no names")
	}
	if c.Excludes.MinKernel != "" {
		return errors.New("excludes by kernel version are not supported")
	}
	if !c.speaks() {
		return nil
	}
	// Container engines add a rule for each condition when two of them are on
	// one argument, so that one of them is enough.
	entries := []profileEntry{e}
	if repeatsArgument(c.Args) {
		entries = nil
		for _, arg := range c.Args {
			entries = append(entries, profileEntry{e.action, e.errno, []specs.LinuxSeccompArg{arg}})
		}
	}
	for _, name := range calls {
		p.byCall[name] = append(p.byCall[name], entries...)
	}
	return nil
}

// speaks tells whether c is about a process without capabilities on this
// architecture. Every kernel that Hotcell runs on has the minKernel of the
// profiles in use.
func (c profileCall) speaks() bool {
	in, out := c.Includes, c.Excludes
	return len(in.Caps) == 0 && (len(in.Arches) == 0 || slices.Contains(in.Arches, runtime.GOARCH)) && !slices.Contains(out.Arches, runtime.GOARCH)
}

func repeatsArgument(args []specs.LinuxSeccompArg) bool {
	for i, a := range args {
		if slices.ContainsFunc(args[:i], func(b specs.LinuxSeccompArg) bool { return a.Index == b.Index }) {
			return true
		}
	}
	return false
}

// warn tells what of the file cannot be honoured.
func (p *profile) warn(file profileFile, conditional []string) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, p.name+": "+fmt.Sprintf(format, args...)) }
	log, allow, filter := file.DefaultAction == specs.ActLog, file.DefaultAction == specs.ActAllow, alternatives()
	for _, c := range file.Syscalls {
		log = log || c.Action == specs.ActLog
		for _, name := range c.Names {
			_, known := filter[name]
			allow = allow || !known && c.Action == specs.ActAllow && c.speaks()
		}
	}
	if log {
		say("SCMP_ACT_LOG counts as allow, and what the filter allows is not logged; SCMP_ACT_NOTIFY puts calls on record")
	}
	if allow {
		say("SCMP_ACT_ALLOW opens nothing: what the filter does not allow by itself stays decided by the rules")
	}
	if len(conditional) > 0 {
		say("refused for all arguments, as the filter cannot compare the ones that the profile names: %s", strings.Join(conditional, " "))
	}
	if file.ListenerPath != "" || file.ListenerMetadata != "" {
		say("listenerPath is not used: Hotcell is the listener")
	}
	if len(file.Flags) > 0 {
		say("flags %v are not used: the supervisor chooses its own", file.Flags)
	}
	return list
}

func (p *profile) title() string {
	if p == nil {
		return ""
	}
	return p.name
}

// entry gives the strictest entry that matches a call.
func (p *profile) entry(call string, args [6]uint64) profileEntry {
	var strictest profileEntry
	found := false
	for _, e := range p.byCall[call] {
		if e.matches(args) && (!found || e.action > strictest.action) {
			strictest, found = e, true
		}
	}
	if !found {
		return p.rest
	}
	return strictest
}

func (e profileEntry) matches(args [6]uint64) bool {
	for _, c := range e.when {
		if !compare(c, args[c.Index]) {
			return false
		}
	}
	return true
}

func compare(c specs.LinuxSeccompArg, v uint64) bool {
	switch c.Op {
	case specs.OpNotEqual:
		return v != c.Value
	case specs.OpLessThan:
		return v < c.Value
	case specs.OpLessEqual:
		return v <= c.Value
	case specs.OpEqualTo:
		return v == c.Value
	case specs.OpGreaterEqual:
		return v >= c.Value
	case specs.OpGreaterThan:
		return v > c.Value
	case specs.OpMaskedEqual:
		return v&c.Value == c.ValueTwo
	}
	return false
}

// decide refuses or kills what the table refuses or kills.
func (p *profile) decide(op Operation) (Decision, bool) {
	if p == nil || op.Syscall == "" {
		return Decision{}, false
	}
	d := Decision{Rule: "[seccomp] " + p.name}
	switch e := p.entry(op.Syscall, op.Args); e.action {
	case profileErrno:
		d.Errno = e.errno
	case profileKill:
		d.Effect = Kill
	default:
		return Decision{}, false
	}
	return d, true
}
