// Package jsonvalue writes what a model returned as the JSON values of a
// report. It lives in the command's process, on the trusted side.
//
//	bool, None                 true, false, null
//	integers                   numbers; beyond 2^53 decimal strings
//	floats                     the shortest decimal that reads back as the same
//	                           value of its own width, so a float32 of 0.1 is 0.1;
//	                           "NaN", "Infinity", "-Infinity"
//	complex                    [re, im]
//	datetime64                 ISO 8601 text as precise as the unit: "2020-01",
//	                           "2020-01-01T00:00:00.000"; "NaT"; years outside 0
//	                           to 9999 have more digits or a sign; without a
//	                           unit the integer
//	timedelta64                the integer, which counts the dtype's unit; "NaT"
//	bytes                      base64, without the NULs at the end
//	str, fixed-width text      text, the latter without the NULs at the end
//	structures                 objects by field name, in order
//	arrays                     lists within lists by shape, in C order; one of no
//	                           axes is the bare value
//
// The bytes of arrays were made by a hostile process: every one of them has a
// form here, which may be a nonsensical one, but is valid JSON of a bounded
// size.
package jsonvalue
