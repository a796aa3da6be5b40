package arrayfile

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// InputError is what the user can mend: a wrong argument, or a file that is
// missing, damaged or not what the argument says. Other errors of this
// package are the host's (no memory for a region, a full disk).
type InputError struct{ err error }

func (e *InputError) Error() string { return e.err.Error() }

// Unwrap gives the cause, for errors.Is with fs.ErrNotExist and the like.
func (e *InputError) Unwrap() error { return e.err }

func unusable(format string, args ...any) error {
	return &InputError{fmt.Errorf(format, args...)}
}

// maxShown bounds foreign text in a message.
const maxShown = 200

// shown makes text from a file or an argument safe to print: unprintable
// text (escape sequences, bidirectional controls) is quoted, long text cut.
func shown(s string) string {
	if q := quoted(s); q != `"`+s+`"` || s == "" {
		return q
	}
	return s
}

func quoted(s string) string {
	if len(s) <= maxShown {
		return strconv.Quote(s)
	}
	cut := maxShown
	for cut > maxShown-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "..."
}

// shownList joins names for "it has ...", at most twenty of them.
func shownList(names []string) string {
	const most = 20
	text := ""
	for i, name := range names {
		if i == most {
			return text + fmt.Sprintf(" and %d more", len(names)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += shown(name)
	}
	if text == "" {
		return "none"
	}
	return text
}
