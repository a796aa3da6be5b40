package supervisor

import (
	"fmt"
	"iter"
	"unicode/utf8"

	"hotcell/ipc"
	"hotcell/shm"
)

// maxResults bounds how many values a call returns.
const maxResults = 1024

// maxText bounds the text among the results of a call, in bytes of UTF-8. It is
// copied, and escaped for a report: 16 MiB of control characters would cost the
// supervisor a hundred times that. Larger data is an array. The shim says the
// same in its own words (arrays.MAX_ALL_TEXT).
const maxText = 1 << 20

// bytes8 is the element type of text in the output region.
var bytes8 = must(shm.ParseDType("|u1"))

func must[T any](v T, err error) T {
	if err != nil {
		panic("bug: " + err.Error())
	}
	return v
}

// checkResults judges a hostile Result against the region that its arrays
// are said to lie in: names, references, spans. Nothing that passes reaches
// outside the region. It gives how much of the region they take, from its
// beginning.
func checkResults(values []ipc.Arg, size int64) (used int64, err error) {
	if len(values) > maxResults {
		return 0, fmt.Errorf("%d results, at most %d", len(values), maxResults)
	}
	seen := make(map[string]bool, len(values))
	text := uint64(0)
	var refs []shm.Ref
	for i := range values {
		v := &values[i]
		if !shm.ValidName(v.Name) {
			return 0, fmt.Errorf("%q is no name for a result", clip(v.Name, 80))
		}
		if seen[v.Name] {
			return 0, fmt.Errorf("two results are named %s", v.Name)
		}
		seen[v.Name] = true
		switch v.Value.Kind {
		case ipc.KindArray:
			v.Value.Ref.Name = v.Name
			refs = append(refs, v.Value.Ref)
		case ipc.KindSpan:
			if v.Value.Offset > uint64(size) || v.Value.Size > uint64(size)-v.Value.Offset {
				return 0, fmt.Errorf("text of %s lies outside the output", v.Name)
			}
			if text += v.Value.Size; text > maxText {
				return 0, fmt.Errorf("more than %d bytes of text", maxText)
			}
			// As an array of bytes: texts that overlap would be copied once
			// for each, up to a thousand times the region.
			refs = append(refs, shm.Ref{
				Name: v.Name, DType: bytes8, Shape: []int64{int64(v.Value.Size)}, Offset: int64(v.Value.Offset),
			})
		}
	}
	if err := shm.CheckAll(refs, size); err != nil {
		return 0, err
	}
	for _, ref := range refs {
		n, _ := ref.Bytes()
		if n > 0 {
			used = max(used, ref.Offset+n)
		}
	}
	return used, nil
}

// checkDeclared wants the arrays that the host declared, as it declared them.
func checkDeclared(values, declared []ipc.Arg) error {
	if len(values) < len(declared) {
		return fmt.Errorf("%d results, and %d arrays were to be written", len(values), len(declared))
	}
	for i, want := range declared {
		got := values[i]
		if got.Name != want.Name || got.Value.Kind != ipc.KindArray || !got.Value.Ref.Equal(want.Value.Ref) {
			return fmt.Errorf("array %s is not where and what it was to be", want.Name)
		}
	}
	return nil
}

// copySpans copies what results lie in, to the same places. The references
// were checked.
func copySpans(to, from []byte, values []ipc.Arg) {
	for at, n := range spans(values) {
		copy(to[at:at+n], from[at:])
	}
}

// spans gives where results lie in their region: offset and size.
func spans(values []ipc.Arg) iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		for i := range values {
			v := &values[i].Value
			at, n := int64(v.Offset), int64(v.Size)
			switch v.Kind {
			case ipc.KindArray:
				at = v.Ref.Offset
				n, _ = v.Ref.Bytes()
			case ipc.KindSpan:
			default:
				continue
			}
			if !yield(at, n) {
				return
			}
		}
	}
}

// readSpans puts the text of spans in their place. The region is sealed.
func readSpans(values []ipc.Arg, region *shm.Region) error {
	for i := range values {
		v := &values[i].Value
		if v.Kind != ipc.KindSpan {
			continue
		}
		text := make([]byte, v.Size)
		if _, err := region.ReadAt(text, int64(v.Offset)); err != nil && v.Size > 0 {
			return fmt.Errorf("read text of %s: %w", values[i].Name, err)
		}
		if !utf8.Valid(text) {
			return fmt.Errorf("text of %s is not UTF-8", values[i].Name)
		}
		v.Kind, v.Text = ipc.KindText, string(text) // its place stays: a client reads it there
	}
	return nil
}

// arrayBytes sums what the arrays of a result hold.
func arrayBytes(values []ipc.Arg) int64 {
	var sum int64
	for _, v := range values {
		if v.Value.Kind == ipc.KindArray {
			// Checked before: the sum is below the region's size.
			n, _ := v.Value.Ref.Bytes()
			sum += n
		}
	}
	return sum
}

// clip cuts text for a message.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
