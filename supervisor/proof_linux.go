package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"hotcell/child"
)

// proof is what the kernel says of a locked sandbox, read from outside.
type proof struct {
	uid        int
	namespaces []string
	landlock   int
}

// namespaceKinds are those that a sandbox has of its own: neither the
// supervisor's nor its template's.
var namespaceKinds = []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}

// proveLocked refuses a sandbox that is less than locked. Hello alone is no
// proof: a shim that broke half-way would say it too.
func proveLocked(pid, templatePID int, id identity) (proof, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return proof{}, fmt.Errorf("read sandbox's status: %w", err)
	}
	fields := statusFields(string(status))
	for name, want := range map[string]string{
		"CapInh": noCapabilities, "CapPrm": noCapabilities, "CapEff": noCapabilities,
		"CapBnd": noCapabilities, "CapAmb": noCapabilities,
		"NoNewPrivs": "1", "Seccomp": "2", "Threads": "1",
	} {
		if got := fields[name]; got != want {
			return proof{}, notLocked("%s is %q, want %q", name, got, want)
		}
	}
	uid, _, _ := strings.Cut(fields["Uid"], "\t")
	p := proof{namespaces: namespaceKinds}
	if p.uid, err = strconv.Atoi(uid); err != nil || p.uid != id.uid {
		return proof{}, notLocked("host uid is %q, want %d", uid, id.uid)
	}
	for _, kind := range namespaceKinds {
		if err := ownNamespace(kind, pid, templatePID); err != nil {
			return proof{}, err
		}
	}
	return p, nil
}

const noCapabilities = "0000000000000000"

func statusFields(status string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(status) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

func ownNamespace(kind string, pid, templatePID int) error {
	var links [3]string
	for i, p := range []string{strconv.Itoa(pid), strconv.Itoa(templatePID), "self"} {
		link, err := os.Readlink("/proc/" + p + "/ns/" + kind)
		if err != nil {
			return fmt.Errorf("read namespace: %w", err)
		}
		links[i] = link
	}
	if links[0] == links[1] || links[0] == links[2] {
		return notLocked("its %s namespace is not its own", kind)
	}
	return nil
}

func notLocked(format string, args ...any) error {
	return &child.StageError{Stage: "proof", Text: "sandbox is not locked down: " + fmt.Sprintf(format, args...)}
}

var kernelVersion = sync.OnceValue(func() [2]int {
	var name unix.Utsname
	var v [2]int
	if unix.Uname(&name) == nil {
		fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &v[0], &v[1])
	}
	return v
})

func kernelAtLeast(major, minor int) bool {
	v := kernelVersion()
	return v[0] > major || v[0] == major && v[1] >= minor
}
