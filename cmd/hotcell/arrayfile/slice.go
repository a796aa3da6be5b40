package arrayfile

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Slice is one Python slice start:stop:step. An open end is nil. Step is
// never 0, and 1 where none was written.
type Slice struct {
	Start, Stop *int64
	Step        int64
}

// String gives the slice without brackets, as Python text.
func (s Slice) String() string {
	text := endText(s.Start) + ":" + endText(s.Stop)
	if s.Step != 1 {
		text += ":" + strconv.FormatInt(s.Step, 10)
	}
	return text
}

func endText(end *int64) string {
	if end == nil {
		return ""
	}
	return strconv.FormatInt(*end, 10)
}

// maxAxes is numpy's own bound before version 2, and the one of shm.Ref.
const maxAxes = 32

// parseSlices reads what stands between the brackets.
func parseSlices(text string) ([]Slice, error) {
	parts := strings.Split(text, ",")
	if len(parts) > maxAxes {
		return nil, fmt.Errorf("slice has %d axes, at most %d are possible", len(parts), maxAxes)
	}
	slices := make([]Slice, len(parts))
	for i, part := range parts {
		s, err := parseSlice(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("slice %s: %w", shown("["+text+"]"), err)
		}
		slices[i] = s
	}
	return slices, nil
}

func parseSlice(text string) (Slice, error) {
	parts := strings.Split(text, ":")
	switch {
	case text == "":
		return Slice{}, fmt.Errorf("an axis is empty, write : for all of it")
	case len(parts) == 1:
		return Slice{}, integerHint(text)
	case len(parts) > 3:
		return Slice{}, fmt.Errorf("%s has more than start:stop:step", shown(text))
	}
	var ends [3]*int64
	for i, part := range parts {
		end, err := parseEnd(strings.TrimSpace(part))
		if err != nil {
			return Slice{}, err
		}
		ends[i] = end
	}
	s := Slice{Start: ends[0], Stop: ends[1], Step: 1}
	if ends[2] != nil {
		s.Step = *ends[2]
	}
	// The smallest int64 has no positive twin, and a step is negated below.
	if s.Step == 0 || s.Step == math.MinInt64 {
		return Slice{}, fmt.Errorf("step %d is not possible", s.Step)
	}
	return s, nil
}

func parseEnd(text string) (*int64, error) {
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is not an integer of 64 bits", shown(text))
	}
	return &n, nil
}

// integerHint refuses a[3]: it would drop an axis, and a lone element is no
// array in Python. The slice that keeps the axis says what is meant.
func integerHint(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || n == math.MaxInt64:
		return fmt.Errorf("%s is not start:stop:step", shown(text))
	case n == -1:
		return fmt.Errorf("an index is not a slice, write [-1:] for an array of one element")
	}
	return fmt.Errorf("an index is not a slice, write [%d:%d] for an array of one element", n, n+1)
}

// axis is a slice applied to an axis of known length. Elements are taken in
// ascending order of the file whatever the step's sign: a compressed member
// can only be read forwards.
type axis struct {
	low     int64 // the lowest index taken
	step    int64 // distance of two indices taken, at least 1
	count   int64 // how many are taken
	length  int64 // how many there are
	reverse bool  // the highest index comes first in the result
}

// whole tells that the axis is taken as it lies in the file.
func (a axis) whole() bool { return a.count == a.length && !a.reverse }

// apply is Python's slice.indices, except that an end beyond the axis is an
// error: Python clips it, and the user gets fewer elements than written.
func (s Slice) apply(number int, length int64) (axis, error) {
	first, last := int64(0), length
	if s.Step < 0 {
		first, last = length-1, -1
	}
	for _, end := range []struct{ given, place *int64 }{{s.Start, &first}, {s.Stop, &last}} {
		if end.given == nil {
			continue
		}
		n := *end.given
		if n > length || n < -length {
			return axis{}, fmt.Errorf("slice [%s] is out of range: axis %d has %d elements", s, number, length)
		}
		if n < 0 {
			n += length
		}
		if s.Step < 0 {
			n = min(n, length-1)
		}
		*end.place = n
	}
	return s.between(first, last, length), nil
}

func (s Slice) between(first, last, length int64) axis {
	distance, step := last-first, s.Step
	if step < 0 {
		distance, step = -distance, -step
	}
	if distance <= 0 {
		return axis{step: 1, length: length}
	}
	a := axis{low: first, step: step, count: (distance-1)/step + 1, length: length}
	switch {
	case a.count == 1:
		a.step = 1
	case s.Step < 0:
		a.low, a.reverse = first-(a.count-1)*step, true
	}
	return a
}
