package cgroup

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseMounts(t *testing.T) {
	tests := []struct {
		line string
		want []mount
	}{
		{"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755", nil},
		{"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
			[]mount{{"/", "/sys/fs/cgroup/memory", false, []string{"rw", "memory"}}}},
		{"33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:1 - cgroup cgroup rw,cpu,cpuacct",
			[]mount{{"/", "/sys/fs/cgroup/cpu,cpuacct", false, []string{"rw", "cpu", "cpuacct"}}}},
		{"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,xattr,release_agent=/lib/a\\040b,name=systemd",
			[]mount{{"/", "/sys/fs/cgroup/systemd", false, []string{"rw", "xattr", "release_agent=/lib/a b", "name=systemd"}}}},
		{"30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot",
			[]mount{{"/", "/sys/fs/cgroup", true, nil}}},
		{"30 23 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw", []mount{{"/../..", "/sys/fs/cgroup", true, nil}}},
		{`30 23 0:26 /docker/a\040b\134c /mnt/with\040blank\011tab rw - cgroup2 none rw`,
			[]mount{{`/docker/a b\c`, "/mnt/with blank\ttab", true, nil}}},
		{`30 23 0:26 /x\134040y /m rw - cgroup2 none rw`, []mount{{`/x\040y`, "/m", true, nil}}},
		// no mounts of ours, or no lines at all
		{"", nil},
		{"\n\n", nil},
		{" - cgroup2", nil},
		{"30 23 - cgroup2 none rw", nil},
		{"30 23 0:26 / /m rw - cgroup2", nil},
		{"30 23 0:26 / /m rw - cgroup3 none rw,memory", nil},
		{"30 23 0:26 / /m rw - cgroupfs none rw,memory", nil},
		{`30 23 0:26 / /a\040-\040cgroup2 rw - ext4 /dev/sda1 rw`, nil},
	}
	for _, tt := range tests {
		if got := parseMounts([]byte(tt.line)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("parseMounts(%q) = %+v; want %+v", tt.line, got, tt.want)
		}
	}
}

func TestMountDir(t *testing.T) {
	tests := []struct {
		root, point, group string
		want               string // "" for none
	}{
		{"/", "/sys/fs/cgroup", "/", "/sys/fs/cgroup"},
		{"/", "/sys/fs/cgroup", "/a/b c", "/sys/fs/cgroup/a/b c"},
		{"/docker/abc", "/sys/fs/cgroup", "/docker/abc", "/sys/fs/cgroup"},
		{"/docker/abc", "/sys/fs/cgroup", "/docker/abc/d", "/sys/fs/cgroup/d"},
		{"/docker/abc", "/sys/fs/cgroup", "/docker/abcd", ""},
		{"/docker/abc", "/sys/fs/cgroup", "/docker", ""},
		{"/docker/abc", "/sys/fs/cgroup", "/", ""},
		{"/", "/sys/fs/cgroup", "/../other", ""},
		{"/..", "/sys/fs/cgroup", "/../other", "/sys/fs/cgroup/other"},
		{"/../..", "/sys/fs/cgroup", "/own", ""},
		{"/", "/sys/fs/cgroup", "/a..b/...", "/sys/fs/cgroup/a..b/..."},
	}
	for _, tt := range tests {
		m := mount{root: tt.root, point: tt.point}
		got, ok := m.dir(tt.group)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("mount %s at %s: dir(%q) = %q, %v; want %q", tt.root, tt.point, tt.group, got, ok, tt.want)
		}
		if ok && m.group(got) != tt.group {
			t.Errorf("mount %s at %s: group(%q) = %q; want %q", tt.root, tt.point, got, m.group(got), tt.group)
		}
	}
}

const (
	v1Mounts = `32 31 0:29 / /c/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /c/memory rw - cgroup cgroup rw,memory
37 31 0:34 / /c/freezer rw - cgroup cgroup rw,freezer
39 31 0:36 / /c/pids rw - cgroup cgroup rw,pids
`
	v2Mount    = "41 31 0:38 / /c/unified rw - cgroup2 cgroup2 rw\n"
	namedMount = "40 31 0:37 / /c/systemd rw - cgroup cgroup rw,name=systemd\n"
)

func TestHostKind(t *testing.T) {
	tests := []struct{ mounts, want string }{
		{v1Mounts, V1},
		{v1Mounts + v2Mount + namedMount, Hybrid},
		{v2Mount, V2},
		{v2Mount + namedMount, V2},
		{v2Mount + "40 31 0:37 / /c/pids rw - cgroup cgroup rw,pids\n", V2}, // memory must be in v2
		{"40 31 0:37 / /c/pids rw - cgroup cgroup rw,pids\n", V1},
		{namedMount, ""},
		{"", ""},
	}
	for _, tt := range tests {
		h, err := parseHost([]byte(tt.mounts), nil)
		must(t, err)
		if got := h.kind(); got != tt.want {
			t.Errorf("kind of %q = %q; want %q", tt.mounts, got, tt.want)
		}
	}
}

func TestParseGroups(t *testing.T) {
	h, err := parseHost(nil, []byte("12:cpu,cpuacct:/a:b/c d\n4:memory:/m\n1:name=systemd:/s\n0::/u (deleted)\n"))
	must(t, err)
	for name, want := range map[string]string{
		"cpu": "/a:b/c d", "cpuacct": "/a:b/c d", "memory": "/m", "name=systemd": "/s", "": "/u (deleted)", "pids": "",
	} {
		if got := h.ownGroup(name); got != want {
			t.Errorf("ownGroup(%q) = %q; want %q", name, got, want)
		}
	}
	if _, err := parseHost(nil, []byte("no group\n")); err == nil {
		t.Error("parseHost of a line without colons = nil; want an error")
	}
}

// TestLocate: the last of two mounts that show the group counts.
func TestLocate(t *testing.T) {
	dir := t.TempDir()
	h, err := parseHost([]byte(strings.ReplaceAll(
		"1 0 0:1 / DIR/gone rw - cgroup2 c rw\n"+
			"2 0 0:1 / DIR rw - cgroup2 c rw\n"+
			"3 0 0:1 /elsewhere DIR rw - cgroup2 c rw\n"+
			"4 0 0:1 / DIR/gone rw - cgroup2 c rw\n", "DIR", dir)), []byte("0::/\n"))
	must(t, err)
	if m, got, ok := h.locate("", "/"); !ok || got != dir || m.root != "/" {
		t.Errorf("locate = %+v, %q, %v; want the mount of / at %s", m, got, ok, dir)
	}
	if _, _, ok := h.locate("memory", "/"); ok {
		t.Error("locate of a controller without a mount = true; want false")
	}
}

func TestFigures(t *testing.T) {
	stat := []byte("anon 4096\nfile 18446744073709551615\nanon_thp 7\nbroken\nempty \n oom_kill 3\nlast 9")
	for _, tt := range []struct {
		key  string
		want int64
		ok   bool
	}{
		{"anon", 4096, true}, {"anon_thp", 7, true}, {"last", 9, true},
		{"file", 0, false}, {"broken", 0, false}, {"empty", 0, false}, {"oom_kill", 0, false}, {"", 0, false},
	} {
		got, ok := keyed(stat, tt.key)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("keyed(%q) = %d, %v; want %d, %v", tt.key, got, ok, tt.want, tt.ok)
		}
	}
	for text, want := range map[string]int64{"12\n": 12, " 7 ": 7, "max\n": -1, "": -1, "1 2": -1} {
		if got, ok := number([]byte(text)); ok != (want >= 0) || ok && got != want {
			t.Errorf("number(%q) = %d, %v; want %d", text, got, ok, want)
		}
	}
	if got, want := pids([]byte("12\n0\n\nx\n7\n")), []int{12, 0, 7}; !reflect.DeepEqual(got, want) {
		t.Errorf("pids = %v; want %v", got, want)
	}
}

func TestControllerState(t *testing.T) {
	table := []byte("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t0\t1\t0\nshort\t1\n")
	for name, want := range map[string][2]bool{
		"cpu": {true, true}, "memory": {false, true}, "pids": {false, false}, "short": {false, false},
	} {
		enabled, known := controllerState(table, name)
		if got := [2]bool{enabled, known}; got != want {
			t.Errorf("controllerState(%s) = %v; want %v", name, got, want)
		}
	}
}

func TestTreeName(t *testing.T) {
	for name, want := range map[string]bool{
		randomName():                     true,
		"hotcell-0123456789abcdef":       true,
		leafName:                         false,
		"hotcell-0123456789abcde":        false,
		"hotcell-0123456789abcdef.scope": false, "hotcell-0123456789abcdef0": false,
		"hotcell-0123456789ABCDEF": false, "xhotcell-0123456789abcdef": false, "hotcell.service": false,
	} {
		if got := treeName.MatchString(name); got != want {
			t.Errorf("treeName matches %q = %v; want %v", name, got, want)
		}
	}
}

func TestMapsRoot(t *testing.T) {
	for _, test := range []struct {
		ids  string
		want bool
	}{
		{"         0          0 4294967295\n", true},
		{"         0       1000          1\n", false},
		{"         0       1000          1\n         1     100000      65536\n", false},
		{"         5          0          1\n", false},
		{"", false},
	} {
		if got := mapsRoot(test.ids); got != test.want {
			t.Errorf("mapsRoot(%q) = %v; want %v", test.ids, got, test.want)
		}
	}
}
