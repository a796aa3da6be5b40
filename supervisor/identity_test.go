package supervisor

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMappedID(t *testing.T) {
	const want = firstUID + 7
	for _, test := range []struct {
		what, file string
		id         int // -1: refused
	}{
		{"the host's own map", "         0          0 4294967295\n", want},
		{"a container's", "0 100000 65536\n", 65535},
		{"two ranges", "0 1000 1\n1 100000 65536\n", 65536},
		{"an ordinary user as root", "0 1000 1\n", 0},
		{"root as root", "0 0 1\n", -1},
		{"no map yet", "", -1},
		{"no map", "zero\n", -1},
	} {
		file := filepath.Join(t.TempDir(), "uid_map")
		if err := os.WriteFile(file, []byte(test.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := mappedID(file, want)
		if (err != nil) != (test.id < 0) || err == nil && got != test.id {
			t.Errorf("mappedID(%s) = %d, %v; want %d", test.what, got, err, test.id)
		}
	}
}

func TestStatusFields(t *testing.T) {
	fields := statusFields("Name:\thotcell: model\nUid:\t1000\t1000\t1000\t1000\nVmData:\t    1234 kB\nbroken\n")
	for name, want := range map[string]string{"Name": "hotcell: model", "Uid": "1000\t1000\t1000\t1000", "VmData": "1234 kB", "broken": ""} {
		if fields[name] != want {
			t.Errorf("statusFields()[%s] = %q; want %q", name, fields[name], want)
		}
	}
}

// The shim is trusted until the model comes, the kernel always: a process
// that is not locked down fails the proof.
func TestProofRefusesThisProcess(t *testing.T) {
	if _, err := proveLocked(os.Getpid(), os.Getppid(), identity{uid: os.Getuid()}); err == nil {
		t.Error("proveLocked(this process) = nil; want an error")
	}
}
