// Package host explains a machine to whoever cannot run a model on it: what
// kind of host this is, which of its settings refuses what a sandbox needs,
// and the command that mends it. It reads and words, and never changes a
// thing. It runs in the supervisor's process.
//
// What it reads is the administrator's and the kernel's, and still an
// explanation only: nothing is enforced, or left out, by its word.
package host

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// Host is what can be read of a machine, as the supervisor's process sees it.
// Tests show it machines that they do not have.
type Host struct {
	Files      fs.FS               // the root directory
	Env        func(string) string // the environment
	UID        int                 // the effective one
	Parent     int                 // the process that started this one
	Executable string              // the file of this program
}

// This is the machine that the process runs on.
func This() Host {
	executable, err := os.Executable()
	if err != nil {
		executable = "/usr/bin/hotcell" // without /proc; mends name it only
	}
	return Host{Files: os.DirFS("/"), Env: os.Getenv, UID: os.Geteuid(), Parent: os.Getppid(), Executable: executable}
}

// Trouble is something that a host refuses to sandboxes.
type Trouble struct {
	What string // one line
	Mend string // a command for a shell, a setting, or why there is none
}

func (t Trouble) String() string { return t.What + " (mend: " + t.Mend + ")" }

// read gives a small file's text, "" where it cannot be read.
func (h Host) read(name string) string {
	data, err := fs.ReadFile(h.Files, strings.TrimPrefix(name, "/"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func (h Host) exists(name string) bool {
	_, err := fs.Stat(h.Files, strings.TrimPrefix(name, "/"))
	return err == nil
}

// Sysctl reads a setting of the kernel that is a number.
func (h Host) Sysctl(name string) (value int, known bool) {
	value, err := strconv.Atoi(h.read("/proc/sys/" + strings.ReplaceAll(name, ".", "/")))
	return value, err == nil
}

// Status reads a field of this process's status file.
func (h Host) Status(field string) string {
	for line := range strings.Lines(h.read("/proc/self/status")) {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Filtered tells that a seccomp filter holds this process. Whatever it starts
// is held too.
func (h Host) Filtered() bool { return h.Status("Seccomp") == "2" }

// Capabilities that a root needs who maps another's ids.
const (
	capSetgid = 6
	capSetuid = 7
)

// capable tells that this process has capabilities.
func (h Host) capable(capabilities ...int) bool {
	set, err := strconv.ParseUint(h.Status("CapEff"), 16, 64)
	for _, c := range capabilities {
		if err == nil && set&(1<<c) == 0 {
			return false
		}
	}
	return true
}

// Systemd is sd_booted(3).
func (h Host) Systemd() bool { return h.exists("/run/systemd/system") }

// UserManager tells that a systemd of this user's own runs.
func (h Host) UserManager() bool {
	dir := h.Env("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = "/run/user/" + strconv.Itoa(h.UID)
	}
	return h.exists(dir + "/systemd/private")
}

// Unit names the systemd unit that this process belongs to, "" for none.
func (h Host) Unit() string {
	if !h.Systemd() {
		return ""
	}
	for line := range strings.Lines(h.read("/proc/self/cgroup")) {
		id, group, _ := strings.Cut(strings.TrimSpace(line), ":")
		names, group, _ := strings.Cut(group, ":")
		if names != "name=systemd" && (id != "0" || names != "") {
			continue
		}
		for dir := group; len(dir) > 1; dir = path.Dir(dir) {
			if base := path.Base(dir); strings.HasSuffix(base, ".service") || strings.HasSuffix(base, ".scope") {
				return base
			}
		}
	}
	return ""
}

// service is the unit if it is a service that somebody wrote, not the manager
// of a user's session.
func (h Host) service() string {
	unit := h.Unit()
	if strings.HasSuffix(unit, ".service") && !strings.HasPrefix(unit, "user@") {
		return unit
	}
	return ""
}

// Nested tells that this process lives in a user namespace other than the
// kernel's first: its root is not the machine's.
func (h Host) Nested() bool {
	fields := strings.Fields(h.read("/proc/self/uid_map"))
	return len(fields) > 0 && strings.Join(fields, " ") != "0 0 4294967295"
}

// Confined names the AppArmor profile that is enforced on this process.
func (h Host) Confined() string {
	label := h.read("/proc/self/attr/apparmor/current")
	if label == "" {
		label = h.read("/proc/self/attr/current") // SELinux's, or older kernels' AppArmor's
	}
	profile, mode, _ := strings.Cut(label, " ")
	if mode != "(enforce)" {
		return ""
	}
	return profile
}
