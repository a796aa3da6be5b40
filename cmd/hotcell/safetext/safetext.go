// Package safetext makes text of a sandbox fit for a terminal or a log line.
// It lives on the trusted side. What a model prints, raises or names is
// hostile: an escape sequence can rewrite the screen, answer for the user or
// fake a prompt, a bidirectional control can make a path read as another.
package safetext

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line escapes everything but printable characters and blanks: the result is
// one line.
func Line(s string) string { return escape(s, false) }

// Text is Line that keeps line feeds and tabs.
func Text(s string) string { return escape(s, true) }

func escape(s string, lines bool) string {
	var b strings.Builder
	for _, r := range s {
		writeRune(&b, r, lines)
	}
	return b.String()
}

// writeRune writes r or its escape. An invalid byte comes as RuneError.
func writeRune(b *strings.Builder, r rune, lines bool) {
	switch {
	case lines && (r == '\n' || r == '\t'):
		b.WriteRune(r)
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\t':
		b.WriteString(`\t`)
	case r == '\r':
		b.WriteString(`\r`)
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		fmt.Fprintf(b, `\x%02x`, r)
	case hidden(r):
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		b.WriteRune(r)
	}
}

// hidden are characters that change how others are shown without being seen:
// bidirectional controls, line separators, zero-width ones and other format
// characters. Soft hyphens and joiners go too: no number needs them.
func hidden(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r)
}

// JSON escapes in JSON text what Text would: such characters stand in its
// strings only, where \uXXXX means the same.
func JSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for _, r := range string(data) {
		if r >= 0x7f && r < 0xa0 || hidden(r) {
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// Writer escapes a stream as Text does. A character that is cut between two
// writes is kept until it is whole; Close writes what never became so.
type Writer struct {
	to      io.Writer
	partial []byte
}

// NewWriter writes to w what is written to it, escaped.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

func (w *Writer) Write(p []byte) (int, error) {
	data := append(w.partial, p...)
	w.partial = nil
	end := len(data)
	if i := lastStart(data); i >= 0 && !utf8.FullRune(data[i:]) {
		end = i
		w.partial = append([]byte(nil), data[end:]...)
	}
	if _, err := io.WriteString(w.to, Text(string(data[:end]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close flushes half a character; it does not close what is written to.
func (w *Writer) Close() error {
	_, err := io.WriteString(w.to, Text(string(w.partial)))
	w.partial = nil
	return err
}

// lastStart is where the last character of data begins, -1 if none of the
// last four bytes begins one.
func lastStart(data []byte) int {
	for i := len(data) - 1; i >= max(0, len(data)-utf8.UTFMax); i-- {
		if utf8.RuneStart(data[i]) {
			return i
		}
	}
	return -1
}
