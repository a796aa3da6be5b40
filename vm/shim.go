package vm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// shimFiles is the Python side of the wire: standard library only. It runs
// in the template and, forked from it, in every sandbox.
//
//go:embed shim/*.py
var shimFiles embed.FS

// shimModules in the order in which they import each other.
var shimModules = []string{"wire", "kernel", "arrays", "space", "functions", "library", "absent", "model", "lockdown", "threads", "warm", "sandbox", "template"}

// bootstrap is the interpreter's -c argument: it reads the shim from
// descriptor 4 and runs the template. The shim comes compiled ("M", by the
// same interpreter, see Shim) or as source text ("S"). The compiled form has
// modules of the standard library behind it, for shim/library.py.
const bootstrap = `import sys
def boot():
    with open(4, "rb") as f:
        data = f.read()
    standard = b"", {}
    if data[:1] == b"M":
        import marshal
        end = 5 + int.from_bytes(data[1:5], "little")
        modules, index = marshal.loads(data[5:end])
        standard = memoryview(data)[end:], index
    else:
        import json
        modules = [(name, compile(text, "<hotcell %s>" % name, "exec")) for name, text in json.loads(data[1:])]
    kind = type(sys)
    package = sys.modules["_hotcell"] = kind("_hotcell")
    package.__path__ = []
    package.standard = standard
    for name, code in modules:
        m = sys.modules["_hotcell." + name] = kind("_hotcell." + name)
        exec(code, m.__dict__)
        setattr(package, name, m)
    package.template.main()
boot()
`

// compiler turns the source form on stdin into the compiled form on stdout:
// "M", the length of what follows in four bytes, the modules with an index of
// the library, and the library. That is all encodings and what common modules
// import when they are first used: importing these in each template would
// cost several milliseconds, reading them from here costs a fraction of one.
// All are pure Python; compiled modules need a file.
const compiler = `import encodings, importlib.util, json, marshal, pkgutil, sys
data = sys.stdin.buffer.read()
modules = [(name, compile(text, "<hotcell %s>" % name, "exec")) for name, text in json.loads(data[1:])]
index, library, size = {}, [], 0
names = sorted("encodings." + m.name for m in pkgutil.iter_modules(encodings.__path__))
names += ["stringprep", "quopri"]  # for encodings
names += ["_strptime", "calendar", "locale"]  # for datetime and time
names += ["_weakrefset", "copy", "heapq", "typing", "weakref"]  # for functools and collections
for name in names:
    try:
        spec = importlib.util.find_spec(name)
        code = marshal.dumps(spec.loader.get_code(name))
    except Exception:
        continue  # one for another system, or left out of this build
    index[name] = spec.origin or name, False, size, size + len(code)
    library.append(code)
    size += len(code)
shim = marshal.dumps((modules, index))
sys.stdout.buffer.write(b"".join([b"M", len(shim).to_bytes(4, "little"), shim, *library]))
`

const maxShim = 4 << 20

// shimSource gives the shim in its source form.
func shimSource() ([]byte, error) {
	var modules [][2]string
	for _, name := range shimModules {
		text, err := shimFiles.ReadFile("shim/" + name + ".py")
		if err != nil {
			return nil, fmt.Errorf("read embedded shim: %w", err)
		}
		modules = append(modules, [2]string{name, string(text)})
	}
	data, err := json.Marshal(modules)
	if err != nil {
		return nil, fmt.Errorf("encode shim: %w", err)
	}
	return append([]byte("S"), data...), nil
}

// compileShim has the interpreter compile the shim, outside any sandbox: it
// is as trusted as the probe that ran it before.
func compileShim(ctx context.Context, i Interpreter, source []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, i.Executable, i.command(compiler)[1:]...)
	cmd.Stdin = bytes.NewReader(source)
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("compile shim with %s: %w", i.Executable, err)
	}
	if len(out) < 2 || out[0] != 'M' || len(out) > maxShim {
		return nil, fmt.Errorf("compile shim with %s: unusable answer of %d bytes", i.Executable, len(out))
	}
	return out, nil
}

// Shim gives the shim as this interpreter starts it soonest: compiled, from
// the cache if it is there.
func Shim(ctx context.Context, i Interpreter, cache *Cache) ([]byte, error) {
	source, err := shimSource()
	if err != nil {
		return nil, err
	}
	key := shimKey(i, source)
	if code, ok := cache.Blob(key); ok {
		return code, nil
	}
	code, err := compileShim(ctx, i, source)
	if err != nil {
		return nil, err
	}
	// A cache that cannot be written to costs time only.
	_ = cache.Put(key, code)
	return code, nil
}

// shimKey names the compiled shim in a cache: other sources, another script
// that compiles them, another interpreter or another version of its library
// make another one.
func shimKey(i Interpreter, source []byte) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%s\x00%s",
		i.Implementation, i.Magic, i.Executable, libraryState(i), compiler, source))
	return "shim-" + hex.EncodeToString(sum[:16])
}

// libraryState changes when the standard library is installed anew: its
// modules are in the compiled shim, and a correction must reach them.
func libraryState(i Interpreter) string {
	var state strings.Builder
	for _, dir := range i.Path {
		for _, name := range []string{"encodings", "encodings/__init__.py", "stringprep.py"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
				fmt.Fprintf(&state, "%s/%s %d %d\n", dir, name, info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return state.String()
}
