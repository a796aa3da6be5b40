package syscallpolicy

import (
	"fmt"
	"strconv"
	"time"
)

// limitField is one limit by the name that policy files and flags share.
type limitField struct {
	name  string
	size  func(*Limits) *int64 // exactly one of these is set
	time  func(*Limits) *time.Duration
	whole func(*Limits) *int
	count func(*Limits) *int64
	share func(*Limits) *float64
}

var limitFields = []limitField{
	{name: "memory", size: func(l *Limits) *int64 { return &l.Memory }},
	{name: "timeout", time: func(l *Limits) *time.Duration { return &l.Timeout }},
	{name: "cpu-time", time: func(l *Limits) *time.Duration { return &l.CPUTime }},
	{name: "cpus", share: func(l *Limits) *float64 { return &l.CPUs }},
	{name: "threads", whole: func(l *Limits) *int { return &l.Threads }},
	{name: "recursion", whole: func(l *Limits) *int { return &l.Recursion }},
	{name: "max-output", size: func(l *Limits) *int64 { return &l.MaxOutput }},
	{name: "max-log", size: func(l *Limits) *int64 { return &l.MaxLog }},
	{name: "max-operations", count: func(l *Limits) *int64 { return &l.MaxOperations }},
	{name: "scratch", size: func(l *Limits) *int64 { return &l.Scratch }},
	{name: "max-file", size: func(l *Limits) *int64 { return &l.MaxFile }},
}

// LimitNames gives the names of the limits, of flags and policy files alike.
func LimitNames() []string {
	var names []string
	for _, f := range limitFields {
		names = append(names, f.name)
	}
	return names
}

// WithNamed gives l with one limit of another value, as a flag that was given
// changes what a policy file says.
func (l Limits) WithNamed(name string, from Limits) Limits {
	for _, f := range limitFields {
		if f.name == name {
			f.set(&l, f.get(from))
		}
	}
	return l
}

// Text gives a limit as a policy file writes it, without quotes.
func (l Limits) Text(name string) string {
	for _, f := range limitFields {
		if f.name != name {
			continue
		}
		switch v := f.get(l).(type) {
		case int64:
			if f.size != nil {
				return FormatSize(v)
			}
			return strconv.FormatInt(v, 10)
		default:
			return fmt.Sprint(v)
		}
	}
	return ""
}

func (f limitField) get(l Limits) any {
	switch {
	case f.size != nil:
		return *f.size(&l)
	case f.time != nil:
		return *f.time(&l)
	case f.whole != nil:
		return *f.whole(&l)
	case f.count != nil:
		return *f.count(&l)
	}
	return *f.share(&l)
}

func (f limitField) set(l *Limits, v any) {
	switch {
	case f.size != nil:
		*f.size(l) = v.(int64)
	case f.time != nil:
		*f.time(l) = v.(time.Duration)
	case f.whole != nil:
		*f.whole(l) = v.(int)
	case f.count != nil:
		*f.count(l) = v.(int64)
	default:
		*f.share(l) = v.(float64)
	}
}

// value turns what a policy file says into what set takes. Numbers that have
// a unit must say it; only bytes may go without.
func (f limitField) value(v any) (any, error) {
	text, isText := v.(string)
	number, isWhole := v.(int64)
	switch {
	case f.size != nil && isText:
		return ParseSize(text)
	case f.size != nil && isWhole:
		return number, nil
	case f.size != nil:
		return nil, fmt.Errorf(`write a size in quotes, for example %s = "256M"`, f.name)
	case f.time != nil && isText:
		return ParseDuration(text)
	case f.time != nil:
		return nil, fmt.Errorf(`write a time with its unit in quotes, for example %s = "2s"`, f.name)
	case f.share != nil && isWhole:
		return float64(number), nil
	case f.share != nil:
		if share, ok := v.(float64); ok {
			return share, nil
		}
		return nil, fmt.Errorf("write a number without quotes, for example %s = 1.5", f.name)
	case !isWhole:
		return nil, fmt.Errorf("write a whole number without quotes, for example %s = 1000", f.name)
	case f.whole != nil:
		if int64(int(number)) != number {
			return nil, fmt.Errorf("%d is out of range", number)
		}
		return int(number), nil
	}
	return number, nil
}
