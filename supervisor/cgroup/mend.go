package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The functions below word the mends. What they print can be pasted into the
// shell that started this process.

const mendElsewhere = "start the supervisor in a control group with Delegate=yes, or on a host with control groups v2"

// container names the runtime this process was started by, "" for none that
// is known.
func container() string {
	switch {
	case exists("/run/.containerenv"):
		return "podman"
	case exists("/.dockerenv"):
		return "docker"
	case os.Getenv("KUBERNETES_SERVICE_HOST") != "":
		return "kubernetes"
	case os.Getenv("container") != "", exists("/run/systemd/container"):
		return "other"
	}
	return ""
}

func sudo() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return "sudo "
}

func mendReadOnly(kind, point string) string {
	c := container()
	if kind != V2 && (c == "docker" || c == "podman") {
		return "run the container with --privileged, or on a host with control groups v2"
	}
	switch c {
	case "docker":
		return "docker run --security-opt writable-cgroups=true (Docker 28; before: --privileged --cgroupns=private)"
	case "podman":
		return "podman run --security-opt unmask=/sys/fs/cgroup"
	case "kubernetes":
		return "set cgroup_writable = true for the node's containerd runtime, or securityContext.privileged: true for the container"
	case "other":
		return "start the container with a cgroup namespace of its own and a writable /sys/fs/cgroup"
	}
	return sudo() + "mount -o remount,rw " + quote(point)
}

// mendUser is for a user who was given no group. The process that started us
// is most often a shell; moving it there lets all it starts from then on work.
func mendUser(h *hierarchy, kind string) string {
	switch {
	case os.Geteuid() == 0:
		return "run as the user who owns the control group, or as real root with CAP_DAC_OVERRIDE"
	case kind != V2:
		return mendUserV1()
	case systemdRuns():
		return mendManager()
	case container() != "": // whose processes are in the way of any group
		return "run hotcell as the container's root user, with a writable /sys/fs/cgroup"
	}
	return mendUserV2(h.mount.point)
}

// mendUserV1 makes a group in each hierarchy, gives it to the user, and moves
// the shell there.
func mendUserV1() string {
	h, err := readHost()
	if err != nil {
		return mendElsewhere
	}
	var points []string
	for _, c := range wantedV1 {
		if m, _, ok := h.locate(c, "/"); ok && !slices.Contains(points, quote(m.point)) {
			points = append(points, quote(m.point))
		}
	}
	return fmt.Sprintf(`sudo sh -c 'for d in %s; do mkdir -p $d/hotcell-user-%[2]d && chown -R %[2]d $d/hotcell-user-%[2]d && echo %[3]d > $d/hotcell-user-%[2]d/cgroup.procs || exit; done'`,
		strings.Join(points, " "), os.Geteuid(), os.Getppid())
}

func mendUserV2(point string) string {
	dir := quote(filepath.Join(point, "hotcell-user-"+strconv.Itoa(os.Geteuid())))
	return fmt.Sprintf(`sudo sh -c 'echo "+memory +pids +cpu" > %s/cgroup.subtree_control && mkdir -p %[2]s && chown %[3]d %[2]s %[2]s/cgroup.procs %[2]s/cgroup.subtree_control %[2]s/cgroup.threads && echo %[4]d > %[2]s/cgroup.procs'`,
		quote(point), dir, os.Geteuid(), os.Getppid())
}

// mendCrowded moves everybody to a leaf: the caller decides what we may not.
func mendCrowded(dir string) string {
	leaf := quote(filepath.Join(dir, "init"))
	return fmt.Sprintf("%ssh -c 'mkdir -p %s && for p in $(cat %s/cgroup.procs); do echo $p > %[2]s/cgroup.procs; done 2>/dev/null'",
		sudo(), leaf, quote(dir))
}

func mendHidden(controller string, m mount) string {
	if container() != "" {
		return "start the container with a cgroup namespace of its own (--cgroupns=private)"
	}
	kind := "-t cgroup2 cgroup2"
	if controller != "" {
		kind = "-t cgroup -o " + controller + " " + controller
	}
	return sudo() + "mount " + kind + " " + quote(m.point)
}

// mendControllers: which manager keeps the controllers back?
func mendControllers(place string) string {
	switch {
	case strings.Contains(place, "/user@"):
		return `sudo sh -c 'mkdir -p /etc/systemd/system/user@.service.d && printf "[Service]\nDelegate=cpu memory pids\n" > /etc/systemd/system/user@.service.d/hotcell.conf && systemctl daemon-reload' # then log in again`
	case systemdRuns():
		return "set Delegate=yes in the unit of " + place
	case container() != "":
		return "start the container's runtime with the cpu, memory and pids controllers delegated to it"
	}
	return fmt.Sprintf(`%ssh -c 'echo "+memory +pids +cpu" > %s/cgroup.subtree_control'`, sudo(), quote(filepath.Dir(place)))
}

func mendManager() string {
	switch {
	case os.Geteuid() == 0 && container() != "":
		return "start systemd in the container, or hotcell without it"
	case os.Geteuid() == 0:
		return "systemd-run --scope -p Delegate=yes hotcell ..."
	case isDir("/run/user/" + strconv.Itoa(os.Geteuid())):
		return "systemd-run --user --scope -p Delegate=yes hotcell ..."
	}
	return fmt.Sprintf("sudo loginctl enable-linger %d", os.Geteuid())
}

func mendScope() string {
	if os.Geteuid() == 0 {
		return "systemd-run --scope -p Delegate=yes hotcell ..."
	}
	return "systemd-run --user --scope -p Delegate=yes hotcell ..."
}

func mendUnit(unit string) string {
	run, user := sudo(), ""
	if os.Geteuid() != 0 {
		run, user = "", " --user" // most likely; a system unit with User= says it too
	}
	return fmt.Sprintf("set Delegate=yes in the [Service] section (%ssystemctl%s edit %s; or systemd-run%[2]s -p Delegate=yes), then restart it",
		run, user, unit)
}

// quote makes a path one word inside single or no quotes; control group paths
// with quotes in them do not get a mend that works.
func quote(path string) string {
	if strings.ContainsAny(path, " \t$&;|<>*?()\"\\`") {
		return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, `$`, `\$`, "`", "\\`").Replace(path) + `"`
	}
	return path
}
