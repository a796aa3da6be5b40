package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTroubles(t *testing.T) {
	yama := with(debian, "/proc/sys/kernel/yama/ptrace_scope", "3\n")
	lsm := with(debian, "/sys/kernel/security/lsm", "capability,yama,apparmor\n")
	for _, test := range []struct {
		name       string
		got        Trouble
		what, mend string // parts
	}{
		{"Landlock off", machine(1000, lsm).Landlock(unix.EOPNOTSUPP), "not switched on", "lsm=landlock,yama,apparmor to"},
		{"Landlock off, list unknown", machine(0, debian).Landlock(unix.EOPNOTSUPP), "not switched on", "CONFIG_LSM"},
		{"Landlock not built in", machine(0, debian).Landlock(unix.ENOSYS), "without Landlock", "none on this kernel"},
		{"Landlock filtered", machine(0, docker).Landlock(unix.ENOSYS), "filter", "docker run"},
		{"Landlock refused", machine(0, debian).Landlock(unix.EPERM), "refused", "none known"},
		{"Yama", machine(1000, yama).Inspection(unix.EPERM), "ptrace_scope is 3", "then reboot"},
		{"inspection filtered", machine(0, docker).Inspection(unix.EPERM), "pidfd_getfd", "docker run"},
		{"inspection, old kernel", machine(0, debian).Inspection(unix.ENOSYS), "no pidfd_getfd", "5.14"},
		{"inspection refused", machine(0, debian).Inspection(unix.EACCES), "permission denied", "none known"},
		{"ids, machine", machine(0, debian).Identity(errors.New("a maps no id; advice\nb maps no id; advice")), "a maps no id", "--map-auto"},
		{"ids, docker", machine(0, docker).Identity(errors.New("none")), "none", "userns-remap"},
		{"swap", machine(1000, debian).UncountedSwap(), "swap", "sudo swapoff -a"},
		{"filter, parent", machine(0, with(debian, "/proc/self/status", filtered, "/proc/77/comm", "firejail\n")).Filter("mount"), "refuses mount", "here firejail started it"},
		{"filter, flatpak", machine(0, map[string]string{"/.flatpak-info": ""}).Filter(), "is around this process", "flatpak-spawn"},
	} {
		if !strings.Contains(test.got.What, test.what) || strings.Contains(test.got.What, "advice") || !strings.Contains(test.got.Mend, test.mend) {
			t.Errorf("%s: %v; want parts %q and %q", test.name, test.got, test.what, test.mend)
		}
	}
}

func TestMends(t *testing.T) {
	jammy := with(debian, "/etc/os-release", "ID=ubuntu\nVERSION_ID=\"22.04\"\n")
	for _, test := range []struct{ name, got, want string }{
		{"kernel, Debian", machine(0, debian).NewerKernel("5.19"), "-backports linux-image-amd64"},
		{"kernel, Ubuntu", machine(1000, jammy).NewerKernel("5.19"), "sudo apt install linux-generic-hwe-22.04"},
		{"kernel, container", machine(0, docker).NewerKernel("5.19"), "none in a container"},
		{"install", machine(1000, debian).Install("python3-numpy"), "sudo apt install python3-numpy"},
		{"install, container", machine(0, docker).Install("python3-numpy"), "apt install python3-numpy"},
		{"install, Fedora", machine(0, map[string]string{"/etc/os-release": "ID=fedora\n"}).Install("python3-numpy"), "dnf install"},
		{"numpy of the distribution", machine(0, debian).InstallNumpy("/usr/bin/python3.11"), "apt install python3-numpy"},
		{"numpy of another", machine(0, debian).InstallNumpy("/opt/py/bin/python3"), "/opt/py/bin/python3 -m pip install numpy"},
		{"limit", machine(1000, debian).RaiseLimit("nofile", "LimitNOFILE=", 4096), "sudo prlimit --pid 77 --nofile=4096:4096"},
		{"limit, service", machine(0, service).RaiseLimit("nofile", "LimitNOFILE=", 4096), "[Service] LimitNOFILE=4096"},
		{"limit, docker", machine(0, docker).RaiseLimit("nofile", "LimitNOFILE=", 4096), "docker run --ulimit nofile=4096"},
		{"ids", machine(1000, debian).RaisePIDs(), "sudo sysctl -w kernel.pid_max=4194304"},
		{"proc", machine(1000, debian).RemountProc(), "sudo mount -o remount,hidepid=0 /proc"},
		{"capabilities, docker", machine(0, docker).capabilities("SETUID", "SETGID"), "docker run --cap-add SETUID --cap-add SETGID"},
		{"capabilities, service", machine(0, service).capabilities("SETUID"), "CapabilityBoundingSet=CAP_SETUID"},
	} {
		if !strings.Contains(test.got, test.want) {
			t.Errorf("%s: mend %q; want %q in it", test.name, test.got, test.want)
		}
	}
}

// Mends that are commands are pasted into shells.
func TestMendsAreCommands(t *testing.T) {
	user, root := machine(1000, ubuntu), machine(0, debian)
	for _, mend := range []string{
		user.Namespaces("propagation", unix.EACCES).Mend, user.RaiseNamespaces(NamespaceLimits...),
		machine(1000, with(debian, "/proc/sys/kernel/unprivileged_userns_clone", "0")).Namespaces("namespaces", unix.EPERM).Mend,
		root.RaisePIDs(), root.RaiseNamespaces("user.max_user_namespaces"), user.UncountedSwap().Mend, user.Install("python3"),
		user.RaiseLimit("nofile", "LimitNOFILE=", 4096), user.RemountProc(),
		machine(1000, with(debian, "/proc/sys/kernel/yama/ptrace_scope", "3")).Inspection(unix.EPERM).Mend,
		machine(1000, service).Filter("mount").Mend,
	} {
		if out, err := exec.Command("sh", "-n", "-c", mend).CombinedOutput(); err != nil {
			t.Errorf("sh -n of %s: %v\n%s", mend, err, out)
		}
	}
}

// The profile is written by the command as AppArmor wants it: run with other
// directories in place of the system's.
func TestProfile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "apparmor_parser"), []byte("#!/bin/sh\necho loaded $*\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	command := strings.ReplaceAll(machine(0, ubuntu).Namespaces("propagation", unix.EACCES).Mend, "/etc/apparmor.d", dir)
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "loaded -r "+dir+"/hotcell\n" {
		t.Fatalf("%s: %v, %q", command, err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "hotcell"))
	want := "abi <abi/4.0>,\nprofile hotcell /usr/local/bin/hotcell flags=(unconfined) {\n  userns,\n}\n"
	if err != nil || string(got) != want {
		t.Errorf("profile %q, %v; want %q", got, err, want)
	}
}

func TestRoom(t *testing.T) {
	h := machine(0, map[string]string{
		"/proc/loadavg": "0.1 0.2 0.3 2/345 6789\n", "/proc/swaps": "Filename Type\n/dev/sdb partition\n",
		"/proc/sys/kernel/pid_max": "32768\n", "/run/user/0/systemd/private": "",
	})
	if got := h.Tasks(); got != 345 {
		t.Errorf("Tasks() = %d; want 345", got)
	}
	if n, known := h.Sysctl("kernel.pid_max"); n != 32768 || !known {
		t.Errorf("Sysctl(kernel.pid_max) = %d, %v; want 32768", n, known)
	}
	if !h.Swaps() || !h.UserManager() {
		t.Errorf("Swaps() = %v, UserManager() = %v; want both", h.Swaps(), h.UserManager())
	}
	bare := machine(0, map[string]string{"/proc/swaps": "Filename Type\n"})
	if bare.Swaps() || bare.Tasks() != 0 || bare.UserManager() {
		t.Errorf("without any, Swaps() = %v, Tasks() = %d, UserManager() = %v; want none", bare.Swaps(), bare.Tasks(), bare.UserManager())
	}
	if _, known := bare.Sysctl("kernel.pid_max"); known {
		t.Error("Sysctl(kernel.pid_max) is known; want not")
	}
}

func TestNested(t *testing.T) {
	for _, test := range []struct {
		ids  string
		want bool
	}{{firstUIDs, false}, {"0 1000 1\n", true}, {"0 100000 65536\n", true}, {"", false}} {
		if got := machine(0, map[string]string{"/proc/self/uid_map": test.ids}).Nested(); got != test.want {
			t.Errorf("with ids %q, Nested() = %v; want %v", test.ids, got, test.want)
		}
	}
}
