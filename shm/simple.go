package shm

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// parseSimple reads all but structures: byte order, kind, size, unit.
func parseSimple(descr string) (DType, error) {
	switch {
	case len(descr) < 2 || strings.IndexByte("<>|", descr[0]) < 0:
		return DType{}, errors.New("not one like <f8")
	case descr[1] == 'O': // numpy writes |O, without a size
		return DType{}, errors.New("object arrays are refused, they hold pickled Python objects; convert to a type of fixed size")
	case len(descr) < 3:
		return DType{}, errors.New("its size is missing")
	}
	order, kind, number, unit := descr[0], Kind(descr[1]), descr[2:], ""
	if kind == Time || kind == Span {
		multiple, name, err := parseUnit(descr[3:])
		if err != nil {
			return DType{}, err
		}
		number, unit = descr[2:3], unitText(multiple, name)
	}
	size, err := parseSize(kind, number)
	if err != nil {
		return DType{}, err
	}
	// numpy takes any order where it has no meaning, and writes |.
	switch {
	case size == 1 || kind == Bytes:
		order = '|'
	case order == '|':
		return DType{}, errors.New("its byte order is missing")
	}
	normal := string(order) + string(kind) + number + unit
	return DType{descr: normal, size: int32(size), kind: kind}, nil
}

// sizes are those an element of a kind may have.
var sizes = map[Kind][]int{
	Bool:    {1},
	Int:     {1, 2, 4, 8},
	Uint:    {1, 2, 4, 8},
	Float:   {2, 4, 8},
	Complex: {8, 16},
	Time:    {8},
	Span:    {8},
}

// parseSize gives the bytes of an element.
func parseSize(kind Kind, number string) (int, error) {
	if kind == Struct {
		return 0, errors.New("raw bytes without a type are refused")
	}
	n, err := strconv.Atoi(number)
	if err != nil || strconv.Itoa(n) != number {
		return 0, errors.New("its size is not a number")
	}
	if kind == Bytes || kind == Text {
		return parseWidth(kind, n)
	}
	switch {
	case slices.Contains(sizes[kind], n):
		return n, nil
	case kind == Float && (n == 12 || n == 16):
		return 0, errors.New("a longdouble (float128) is another number on every machine; convert it, for example x.astype('f8')")
	case kind == Complex && (n == 24 || n == 32):
		return 0, errors.New("a clongdouble (complex256) is another number on every machine; convert it, for example x.astype('c16')")
	}
	return 0, errors.New("not a supported type")
}

// parseWidth refuses a width of 0: an array of such elements could claim any
// length in no bytes at all.
func parseWidth(kind Kind, n int) (int, error) {
	if n < 1 || n > maxItemSize {
		return 0, fmt.Errorf("its width must be from 1 to %d", maxItemSize)
	}
	if kind == Text {
		n *= 4 // UCS-4
	}
	if n > maxItemSize {
		return 0, errTooLarge
	}
	return n, nil
}

var errTooLarge = fmt.Errorf("an element takes more than %d bytes", maxItemSize)

// units are numpy's, from years to attoseconds.
var units = []string{"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"}

// parseUnit reads "[25s]". No text at all is numpy's generic unit.
func parseUnit(text string) (multiple int, unit string, err error) {
	if text == "" {
		return 1, "", nil
	}
	inner, opened := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !opened || !closed {
		return 0, "", errors.New("its unit is not in brackets")
	}
	unit = strings.TrimLeft(inner, "0123456789")
	if !slices.Contains(units, unit) {
		return 0, "", errors.New("its unit is not one of " + strings.Join(units, " "))
	}
	number := strings.TrimSuffix(inner, unit)
	if number == "" {
		return 1, unit, nil
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != number {
		return 0, "", fmt.Errorf("the multiple of its unit must be from 1 to %d", math.MaxInt32)
	}
	return int(n), unit, nil
}

func unitText(multiple int, unit string) string {
	switch {
	case unit == "":
		return ""
	case multiple == 1:
		return "[" + unit + "]"
	}
	return "[" + strconv.Itoa(multiple) + unit + "]"
}
