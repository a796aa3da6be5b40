// Package arrayfile turns the arguments of "hotcell run" into inputs of a
// model and writes its results to files. It lives in the command's process,
// on the trusted side; no byte of it runs in a sandbox.
//
// Inputs come as NAME=VALUE. A value that begins with @ names a file:
//
//	@f.npy               the array
//	@f.npz:KEY           one member of an archive
//	@f.csv:COLUMN        one column below a header row: float64, 1-D
//	@f.csv:A,B           several columns: float64, 2-D, rows by columns
//	@f.npy[100:200]      a Python slice of the first axis
//	@f.npy[100:, ::-1]   slices of several axes
//
// File names may hold ':' and '['. The extension decides: what follows the
// last ".npz:" or ".csv:" is the key or the columns, and only a spec that
// ends in ']' has slices. Column names that hold a comma are quoted as in
// CSV. A key or column may itself end in ']' ("price[usd]"): what stands in
// the brackets is slices only if it could be (digits, signs, colons, commas
// and blanks).
//
// Each input gets a sealed region of its own, so a model that is shown a
// whole region still sees the selected elements only. Files hold data of
// unknown origin: a claimed size is checked against the bytes that are there
// before anything is allocated for it, and nothing is ever unpickled.
//
// Every error of this package is one line, with foreign text quoted where it
// is not printable.
package arrayfile
