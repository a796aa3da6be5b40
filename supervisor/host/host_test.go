package host

import (
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// machine is a host that has these files, for a user.
func machine(uid int, files map[string]string) Host {
	root := fstest.MapFS{}
	for name, text := range files {
		root[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	return Host{Files: root, Env: func(string) string { return "" }, UID: uid, Parent: 77, Executable: "/usr/local/bin/hotcell"}
}

// with adds files to some.
func with(files map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for name, text := range files {
		all[name] = text
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

const (
	rootMount    = "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
	layerMount   = "22 1 0:50 / / rw - overlay overlay rw,lowerdir=/l\n"
	firstUIDs    = "         0          0 4294967295\n"
	filtered     = "Name:\thotcell\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n"
	unfiltered   = "Name:\thotcell\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n"
	apparmorFile = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
)

var (
	debian = map[string]string{
		"/proc/self/mountinfo": rootMount, "/proc/self/uid_map": firstUIDs, "/proc/self/status": unfiltered,
		"/etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n", "/proc/sys/kernel/unprivileged_userns_clone": "1\n",
		"/proc/sys/user/max_user_namespaces": "96364\n", "/proc/sys/user/max_mnt_namespaces": "96364\n",
	}
	ubuntu = map[string]string{
		"/proc/self/mountinfo": rootMount, "/proc/self/uid_map": firstUIDs, "/proc/self/status": unfiltered,
		"/etc/os-release": "ID=ubuntu\nVERSION_ID=\"24.04\"\n", apparmorFile: "1\n",
		"/proc/self/attr/apparmor/current": "unconfined\n", "/proc/sys/user/max_user_namespaces": "60000\n",
	}
	docker = map[string]string{
		"/.dockerenv": "", "/proc/self/mountinfo": layerMount, "/proc/self/uid_map": firstUIDs, "/proc/self/status": filtered,
		"/proc/self/attr/current": "docker-default (enforce)\n", "/proc/sys/user/max_user_namespaces": "60000\n",
		apparmorFile: "1\n",
	}
	service = with(debian, "/proc/self/status", filtered, "/run/systemd/system/x", "",
		"/proc/self/cgroup", "0::/system.slice/hotcell.service\n", "/proc/77/comm", "systemd\n")
)

func TestNamespaces(t *testing.T) {
	const user = 1000
	for _, test := range []struct {
		name       string
		host       Host
		stage      string
		errno      unix.Errno
		what, mend string // parts
	}{
		{"Ubuntu, a profile takes the rights", machine(user, ubuntu), "propagation", unix.EACCES,
			"takes all rights from programs without a profile", "sudo sh -c 'printf"},
		{"Ubuntu, root's template", machine(0, ubuntu), "empty_root", unix.EPERM, "refused: empty_root", "/usr/local/bin/hotcell > /etc/apparmor.d/hotcell"},
		{"Ubuntu without that profile", machine(user, ubuntu), "namespaces", unix.EACCES, "make no user namespaces", "apparmor_parser -r"},
		{"Debian's switch", machine(user, with(debian, "/proc/sys/kernel/unprivileged_userns_clone", "0")), "namespaces", unix.EPERM,
			"kernel.unprivileged_userns_clone is 0", "sudo sysctl -w kernel.unprivileged_userns_clone=1   #"},
		{"Debian's switch, root's template", machine(0, with(debian, "/proc/sys/kernel/unprivileged_userns_clone", "0")), "namespaces", unix.EPERM,
			"a template is not root", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"Docker: filter", machine(0, docker), "namespaces", unix.EPERM, "a seccomp filter", "docker run --security-opt seccomp=unconfined"},
		{"Docker: profile too", machine(0, docker), "namespaces", unix.EPERM, "profile docker-default confines", "docker run --security-opt apparmor=unconfined"},
		{"Docker on Ubuntu, both let go", machine(0, with(docker, "/proc/self/status", unfiltered, "/proc/self/attr/current", "unconfined")), "empty_root", unix.EPERM,
			"apparmor_restrict", "on the container's host, as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
		{"container, no reason", machine(0, map[string]string{"/run/.containerenv": ""}), "namespaces", unix.EPERM, "refuses namespaces", "podman run --security-opt"},
		{"service", machine(0, service), "namespaces", unix.EPERM, "a seccomp filter", "systemctl edit hotcell.service"},
		{"service, a mount", machine(0, service), "propagation", unix.EPERM, "may refuse it (propagation)", "RestrictNamespaces="},
		{"chroot", machine(0, with(debian, "/proc/self/mountinfo", "30 22 0:5 / /proc rw - proc proc rw\n")), "namespaces", unix.EPERM, "in a chroot", "systemd-nspawn"},
		{"SELinux", machine(user, with(debian, "/sys/fs/selinux/enforce", "1")), "namespaces", unix.EACCES, "SELinux", "ausearch"},
		{"root without rights", machine(0, with(debian, "/proc/self/status", "CapEff:\t0000000000000000\n")), "namespaces", unix.EPERM, "CAP_SETUID", "as an ordinary user"},
		{"no reason", machine(user, debian), "namespaces", unix.EPERM, "operation not permitted", "none known"},
		{"no reason for rights", machine(user, debian), "root", unix.EPERM, "give no rights in them (root", "none known"},
		{"limit 0", machine(user, with(debian, "/proc/sys/user/max_user_namespaces", "0")), "namespaces", unix.ENOSPC,
			"user.max_user_namespaces is 0", "sudo sysctl -w user.max_user_namespaces=15000   #"},
		{"limit of mounts, root", machine(0, with(debian, "/proc/sys/user/max_mnt_namespaces", "1")), "namespaces", unix.ENOSPC,
			"user.max_mnt_namespaces is 1", "sysctl -w user.max_mnt_namespaces=15000"},
		{"limit, container", machine(0, with(docker, "/proc/sys/user/max_user_namespaces", "0")), "namespaces", unix.ENOSPC,
			"user.max_user_namespaces is 0", "on the container's host, as root: sysctl"},
		{"outer limit", machine(user, debian), "namespaces", unix.ENOSPC, "outer user namespace", "outside"},
		{"old nesting limit", machine(user, debian), "namespaces", unix.EUSERS, "nested", "outside"},
		{"processes", machine(user, debian), "namespaces", unix.EAGAIN, "no process more", "ulimit -u"},
		{"not built in", machine(user, debian), "namespaces", unix.EINVAL, "lacks", "CONFIG_USER_NS"},
		{"anything else", machine(user, debian), "root", unix.EIO, "root: input/output error", "none known"},
	} {
		got := test.host.Namespaces(test.stage, test.errno)
		if !strings.Contains(got.What, test.what) || !strings.Contains(got.Mend, test.mend) {
			t.Errorf("%s: Namespaces(%s, %v) =\n\t%s\n\t%s\nwant parts\n\t%s\n\t%s", test.name, test.stage, test.errno, got.What, got.Mend, test.what, test.mend)
		}
		if strings.Contains(got.What+got.Mend, "\n") {
			t.Errorf("%s: Namespaces(%s, %v) = %q; want single lines", test.name, test.stage, test.errno, got)
		}
	}
}

// A name that AppArmor or a shell would read as something else gets the other
// mend.
func TestNamespacesOddName(t *testing.T) {
	h := machine(1000, ubuntu)
	h.Executable = "/home/me/it's {here}/hotcell"
	if got := h.Namespaces("propagation", unix.EPERM).Mend; !strings.HasPrefix(got, "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0") {
		t.Errorf("mend = %q; want the sysctl", got)
	}
}

func TestContainer(t *testing.T) {
	env := func(name, value string) func(string) string {
		return func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		env   func(string) string
		want  string
	}{
		{"machine", debian, nil, ""},
		{"docker", docker, nil, Docker},
		{"machine made from an image", with(debian, "/.dockerenv", ""), nil, ""},
		{"podman", map[string]string{"/run/.containerenv": "engine=\"podman\"", "/proc/self/mountinfo": layerMount}, nil, Podman},
		{"flatpak", map[string]string{"/.flatpak-info": ""}, nil, Flatpak},
		{"kubernetes", docker, env("KUBERNETES_SERVICE_HOST", "10.0.0.1"), Kubernetes},
		{"kubernetes, no environment", map[string]string{"/proc/self/cgroup": "3:memory:/kubepods/burstable/pod1\n"}, nil, Kubernetes},
		{"docker on v1", map[string]string{"/proc/1/cgroup": "3:memory:/docker/0123\n"}, nil, Docker},
		{"lxc", map[string]string{"/proc/self/mountinfo": layerMount}, env("container", "lxc"), Other},
		{"nspawn", map[string]string{"/run/systemd/container": "systemd-nspawn\n"}, nil, Other},
	} {
		h := machine(0, test.files)
		if test.env != nil {
			h.Env = test.env
		}
		got, evidence := h.Container()
		if got != test.want || (got != "") != (evidence != "") {
			t.Errorf("%s: Container() = %q, %q; want %q and evidence for it", test.name, got, evidence, test.want)
		}
	}
}

func TestUnit(t *testing.T) {
	for _, test := range []struct{ groups, unit, service string }{
		{"0::/system.slice/hotcell.service\n", "hotcell.service", "hotcell.service"},
		{"0::/system.slice/hotcell.service/hotcell-supervisor\n", "hotcell.service", "hotcell.service"},
		{"3:memory:/x.service\n1:name=systemd:/user.slice/user-1000.slice/session-2.scope\n0::/\n", "session-2.scope", ""},
		{"0::/user.slice/user-1000.slice/user@1000.service/app.slice/hotcell-1.scope\n", "hotcell-1.scope", ""},
		{"0::/user.slice/user-1000.slice/user@1000.service\n", "user@1000.service", ""},
		{"0::/\n", "", ""},
		{"", "", ""},
	} {
		h := machine(0, map[string]string{"/run/systemd/system/x": "", "/proc/self/cgroup": test.groups})
		if got := h.Unit(); got != test.unit || h.service() != test.service {
			t.Errorf("with %q, Unit() = %q and service() = %q; want %q and %q", test.groups, got, h.service(), test.unit, test.service)
		}
	}
	if got := machine(0, map[string]string{"/proc/self/cgroup": "0::/a.service\n"}).Unit(); got != "" {
		t.Errorf("without systemd, Unit() = %q; want none", got)
	}
}
