package jsonvalue

import (
	"fmt"
	"math"
	"math/big"
)

// nat is numpy's "not a time".
const nat = math.MinInt64

// appendSpan writes the count of a timedelta64.
func appendSpan(dst []byte, count int64) []byte {
	if count == nat {
		return append(dst, `"NaT"`...)
	}
	return appendInt(dst, count)
}

// appendTime writes count times multiple units after 1970 as numpy does.
// numpy has no text for times without a unit, and wrong ones where int64 does
// not hold the product: both are given as they are.
func appendTime(dst []byte, count int64, multiple int, unit string) []byte {
	if count == nat || unit == "" {
		return appendSpan(dst, count)
	}
	n := big.NewInt(int64(multiple))
	n.Mul(n, big.NewInt(count))
	dst = append(dst, '"')
	switch unit {
	case "Y":
		dst = fmt.Appendf(dst, "%04d", n.Add(n, big.NewInt(1970)))
	case "M":
		years, month := divide(n, 12)
		dst = fmt.Appendf(dst, "%04d-%02d", years.Add(years, big.NewInt(1970)), month+1)
	case "W":
		dst = appendDate(dst, n.Mul(n, big.NewInt(7)))
	case "D":
		dst = appendDate(dst, n)
	default:
		dst = appendClock(dst, n, unit)
	}
	return append(dst, '"')
}

// divide gives the quotient rounded down, and what is left.
func divide(n *big.Int, by int64) (*big.Int, int64) {
	quotient, rest := new(big.Int).DivMod(n, big.NewInt(by), new(big.Int))
	return quotient, rest.Int64()
}

// decimals are the digits behind the second that a unit counts.
var decimals = map[string]int{"ms": 3, "us": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}

// appendClock writes n units after the beginning of 1970, for units below a
// day.
func appendClock(dst []byte, n *big.Int, unit string) []byte {
	switch unit {
	case "h":
		days, hour := divide(n, 24)
		return fmt.Appendf(appendDate(dst, days), "T%02d", hour)
	case "m":
		days, minute := divide(n, 24*60)
		return fmt.Appendf(appendDate(dst, days), "T%02d:%02d", minute/60, minute%60)
	}
	digits := decimals[unit]
	n, fraction := divide(n, int64(math.Pow10(digits)))
	days, second := divide(n, 24*60*60)
	dst = fmt.Appendf(appendDate(dst, days), "T%02d:%02d:%02d", second/3600, second/60%60, second%60)
	if digits > 0 {
		dst = fmt.Appendf(dst, ".%0*d", digits, fraction)
	}
	return dst
}

// appendDate writes a day of the Gregorian calendar, in both directions
// without end, by its number from 1970 on. Years are counted from March, so
// that a leap day is the last of its year, and in eras of 400 years, which
// are all alike.
func appendDate(dst []byte, days *big.Int) []byte {
	const toMarch0000, perEra = 719468, 146097
	era, day := divide(new(big.Int).Add(days, big.NewInt(toMarch0000)), perEra)
	year := (day - day/1460 + day/36524 - day/(perEra-1)) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153
	day -= (153*month + 2) / 5
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	era.Mul(era, big.NewInt(400))
	return fmt.Appendf(dst, "%04d-%02d-%02d", era.Add(era, big.NewInt(year)), month, day+1)
}
