package syscallpolicy

import "slices"

// computeModules are what the preset "compute" lets a model import: numpy and
// the part of the standard library that computes. Some of them can ask for
// files, time or processes (os, io, tempfile): they are here because honest
// code uses them for other things too, and each such call is judged.
var computeModules = []string{
	"__future__", "abc", "array", "ast", "atexit", "base64", "binascii", "bisect", "builtins", "calendar", "cmath", "codecs",
	"collections", "colorsys", "concurrent.futures", "contextlib", "contextvars", "copy", "csv", "dataclasses", "datetime",
	"decimal", "difflib", "enum", "errno", "faulthandler", "fnmatch", "fractions", "functools", "gc", "glob", "graphlib",
	"hashlib", "heapq", "hmac", "html", "inspect", "io", "itertools", "json", "keyword", "linecache", "locale", "logging",
	"math", "numbers", "numpy", "operator", "os", "pathlib", "pprint", "queue", "random", "re", "reprlib", "secrets",
	"shutil", "signal", "stat", "statistics", "string", "stringprep", "struct", "sys", "tempfile", "textwrap", "threading",
	"time", "timeit", "token", "tokenize", "traceback", "types", "typing", "unicodedata", "uuid", "warnings", "weakref",
	"zlib", "zoneinfo",
}

// ComputeModules gives the modules of the preset "compute": what the model's
// own import statements may name, each with all below it.
func ComputeModules() []string { return slices.Clone(computeModules) }
