package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// workDir makes what a model with --read $WORK/read or --write $WORK/write
// finds there: files, and the traps that a host's directory may hold. What is
// granted holds "granted", and what lies beside it "secret".
func workDir(t *testing.T) string {
	t.Helper()
	// Not below /tmp, where a model with scratch sees its own.
	top, err := os.MkdirTemp("/var/tmp", "hotcell-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if secret, err := os.ReadFile(top + "/secret.txt"); string(secret) != "secret" {
			t.Errorf("beside what was granted there is %q, %v; want it as it was", secret, err)
		}
		if names, err := filepath.Glob(top + "/*"); len(names) != 3 {
			t.Errorf("beside what was granted there are %q, %v; want what was there", names, err)
		}
		os.RemoveAll(top)
	})
	if top, err = filepath.EvalSymlinks(top); err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(os.WriteFile(top+"/secret.txt", []byte("secret"), 0o600))
	for _, root := range []string{top + "/read", top + "/write"} {
		do(os.MkdirAll(root+"/one/two", 0o755))
		do(os.MkdirAll(root+"/linked", 0o755))
		for _, name := range []string{"a.txt", "b.txt", "one/c.txt", "one/two/d.txt"} {
			do(os.WriteFile(root+"/"+name, []byte("granted "+name), 0o644))
		}
		do(os.WriteFile(root+"/setuid", []byte("granted setuid"), 0o644))
		do(unix.Chmod(root+"/setuid", 0o4755))
		for name, target := range map[string]string{
			"relative": "../secret.txt", "absolute": top + "/secret.txt", "above": "..", "linked/up": "../a.txt", "linked/password": "/etc/passwd",
		} {
			do(os.Symlink(target, root+"/"+name))
		}
		do(unix.Mkfifo(root+"/fifo", 0o666))
		do(unix.Mknod(root+"/socket", unix.S_IFSOCK|0o666, 0))
		if err := unix.Mknod(root+"/device", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))); err != unix.EPERM {
			do(err) // an ordinary user has none to be tempted by
		}
	}
	return top
}
