package syscallpolicy

import (
	"errors"
	"fmt"
	"io"
	"os"

	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// treeLevel makes libseccomp emit a binary tree over the call numbers instead
// of a list. The kernel runs a new filter once for every number to fill its
// bitmap, and then again for each asked call: both are shorter.
const treeLevel = 2

// Compile gives the filter of this shape. It needs no privileges, changes
// nothing in the calling process, and takes a fraction of a millisecond.
func (s Shape) Compile() (Program, error) {
	p, err := s.compile(treeLevel)
	if err != nil {
		return Program{}, fmt.Errorf("compile the system call filter: %w", err)
	}
	return p, nil
}

// compile builds the filter with one of libseccomp's optimisation levels; the
// programs of all levels decide alike.
func (s Shape) compile(level int) (Program, error) {
	if err := errors.Join(s.check(), s.checkAsked()); err != nil {
		return Program{}, err
	}
	f, err := seccomp.NewFilter(seccomp.ActNotify)
	if err != nil {
		return Program{}, fmt.Errorf("new filter: %w", err)
	}
	defer f.Release()

	// libseccomp takes x32 for a foreign architecture too, as long as only the
	// native one is in the filter, which is what a new filter has.
	if err := f.SetBadArchAction(seccomp.ActKillProcess); err != nil {
		return Program{}, fmt.Errorf("set the action for foreign architectures: %w", err)
	}
	if err := f.SetOptimize(level); err != nil {
		return Program{}, fmt.Errorf("set optimisation level %d: %w", level, err)
	}
	if err := s.addRules(f); err != nil {
		return Program{}, err
	}
	return export(f)
}

func (s Shape) addRules(f *seccomp.ScmpFilter) error {
	for _, name := range allowed {
		if s.asks(name) {
			continue
		}
		if err := addRule(f, name, seccomp.ActAllow, nil); err != nil {
			return err
		}
	}
	for _, c := range s.conditions() {
		if s.asks(c.call) {
			continue
		}
		for _, alternative := range c.anyOf {
			if err := addRule(f, c.call, seccomp.ActAllow, alternative); err != nil {
				return err
			}
		}
	}
	for _, r := range Refusals() {
		if s.asks(r.Call) {
			continue
		}
		if err := addRule(f, r.Call, seccomp.ActErrno.SetReturnCode(int16(r.Errno)), r.when); err != nil {
			return err
		}
	}
	return nil
}

func addRule(f *seccomp.ScmpFilter, name string, action seccomp.ScmpAction, when []test) error {
	nr, err := number(name)
	if errors.Is(err, errNotHere) {
		return nil
	}
	if err != nil {
		return err
	}
	var conds []seccomp.ScmpCondition
	for _, t := range when {
		conds = append(conds, t.condition())
	}
	if err := f.AddRuleConditionalExact(nr, action, conds); err != nil {
		return fmt.Errorf("add a rule for %s: %w", name, err)
	}
	return nil
}

func (t test) condition() seccomp.ScmpCondition {
	if t.below {
		return seccomp.ScmpCondition{Argument: t.arg, Op: seccomp.CompareLess, Operand1: t.want}
	}
	return seccomp.ScmpCondition{Argument: t.arg, Op: seccomp.CompareMaskedEqual, Operand1: t.mask, Operand2: t.want}
}

// export gives f's instructions. They pass through memory that is a file: the
// library's export to a buffer is newer than the libraries in use, and a
// pipe can be as small as a page, where the write would wait for ever.
func export(f *seccomp.ScmpFilter) (Program, error) {
	fd, err := unix.MemfdCreate("filter", unix.MFD_CLOEXEC)
	if err != nil {
		return Program{}, fmt.Errorf("memfd_create: %w", err)
	}
	file := os.NewFile(uintptr(fd), "filter")
	defer file.Close()
	if err := f.ExportBPF(file); err != nil {
		return Program{}, fmt.Errorf("export: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return Program{}, fmt.Errorf("export: %w", err)
	}
	code, err := io.ReadAll(io.LimitReader(file, instructionSize*maxInstructions+1))
	if err != nil {
		return Program{}, fmt.Errorf("export: %w", err)
	}
	return newProgram(code)
}
