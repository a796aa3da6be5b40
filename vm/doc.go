// Package vm knows interpreters: it finds and probes one, says which files of
// the host it needs and how it is started, and holds the shim, the Python side
// of the wire (shim.go). It runs in the supervisor.
//
// # Probing
//
// What a path leads to is known only by running it: it may be a version
// manager's script, a venv, a link, a build with a prefix of its own. A probe
// runs two short scripts (probe/*.py):
//
//	identify  under the file that was asked for, with the user's environment
//	          and site: implementation, version, the real binary, sys.path
//	examine   under the real binary, started exactly as a template is:
//	          needed modules, numpy, the shared objects that were loaded
//
// So everything that an Interpreter claims has been seen to work without the
// asked script, venv or environment. The interpreter is the user's own and
// trusted, but it may be anything by mistake: its answer is bounded in time
// and size, and parsed strictly.
//
// # The root
//
// Interpreter.Mounts and Interpreter.Links describe a root in which the
// interpreter works: the binary, its loader, every entry of sys.path, the
// directories of the libraries that were loaded, and every library that the
// loader's cache knows, since a later import may need more than numpy did.
// Mounts are real paths, free of symbolic links, so building the root never
// follows one; Links are the symbolic links on the way to them. A link of
// /etc/alternatives is taken alone: nothing else below /etc but the loader's
// cache is in the root. Of data outside sys.path only the time zones are there.
//
// Known limits: lines of code in .pth files and import hooks of editable
// installs do not run in a template, and a package that reads data outside
// sys.path while it is imported cannot be imported: the launch says which file
// was missing.
//
// # What is imported late
//
// A sandbox can open no library file. What is imported after the lock-down
// comes from memory (shim/library.py): encodings and what the standard library
// itself imports late lie compiled beside the shim, in the user's cache, and
// the template keeps the other pure modules of each package beyond numpy that
// it imported. Compiled modules must be imported by the template; of one that
// was not, the ImportError names the file and what loads it (shim/absent.py).
//
// # The cache
//
// A probe costs about 150 ms, so its answer is kept (Cache) and believed
// while the files that made it are the same (record.go).
package vm
