package doctor

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// answer is one line of a probe: what it called, or the step it took, and
// what came of it. On the wire these are three words with tabs between.
type answer struct {
	Call  string
	Errno unix.Errno
	Value int64
}

func parseAnswer(line string) (answer, error) {
	words := strings.Split(line, "\t")
	if len(words) != 3 {
		return answer{}, fmt.Errorf("%q: %d words, want 3", line, len(words))
	}
	errno, err := strconv.ParseUint(words[1], 10, 16)
	if err != nil {
		return answer{}, err
	}
	value, err := strconv.ParseInt(words[2], 10, 64)
	return answer{words[0], unix.Errno(errno), value}, err
}

// answers are those of one probe.
type answers struct {
	list    []answer
	started bool
	end     error // nil when the probe came to its end
}

// of gives what a call came to; false where the probe did not get that far.
func (a answers) of(call string) (answer, bool) {
	for _, one := range a.list {
		if one.Call == call {
			return one, true
		}
	}
	return answer{}, false
}

// works tells that a call was made and answered with one of these numbers,
// 0 for success when there are none.
func (a answers) works(call string, want ...unix.Errno) bool {
	got, made := a.of(call)
	if len(want) == 0 {
		return made && got.Errno == 0
	}
	for _, errno := range want {
		if made && got.Errno == errno {
			return true
		}
	}
	return false
}

// maxAnswers bounds what is read of a probe, which is trusted: it is this
// program.
const maxAnswers = 1 << 20

// readAnswers reads until the end, showing each answer to see.
func readAnswers(r io.Reader, see func(answer)) (answers, error) {
	a := answers{started: true}
	lines := bufio.NewScanner(io.LimitReader(r, maxAnswers))
	for lines.Scan() {
		one, err := parseAnswer(lines.Text())
		if err != nil {
			return a, fmt.Errorf("read probe's answer: %w", err)
		}
		a.list = append(a.list, one)
		see(one)
	}
	if err := lines.Err(); err != nil {
		return a, fmt.Errorf("read probe's answers: %w", err)
	}
	return a, nil
}

// teller is a probe's side.
type teller struct{ io.Writer }

func (t teller) say(a answer) { fmt.Fprintf(t, "%s\t%d\t%d\n", a.Call, uint(a.Errno), a.Value) }

// tell reports a call by its error, nil for success.
func (t teller) tell(call string, err error) {
	a := answer{Call: call}
	if err != nil {
		a.Errno = unix.EIO // not the kernel's word
		errors.As(err, &a.Errno)
	}
	t.say(a)
}
