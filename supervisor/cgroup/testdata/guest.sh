#!/bin/sh
# The ways a supervisor can be started on a host with systemd and control
# groups v2, and what becomes of its tree in each. Runs as root on a host that
# can be thrown away, with an ordinary user "tester" (1000):
#
#	guest.sh TEST-BINARY
#
# TestGuest starts it in one. The test binary is its own helper: "probe" opens
# a tree (in the parent that it is given), uses a group and closes the tree.
set -u
binary=$1
probe="env HOTCELL_CGROUP_HELPER=probe $binary"
failed=0

# expect WHAT PATTERN COMMAND...: each line of the pattern (a basic regular
# expression each) must match a line that the command prints; "error" must not.
expect() {
	what=$1 patterns=$2
	shift 2
	said=$("$@" 2>&1)
	bad=$(printf '%s\n' "$patterns" | while IFS= read -r p; do
		printf '%s\n' "$said" | grep -q -e "$p" || printf 'want a line with %s\n' "$p"
	done)
	if printf '%s\n' "$said" | grep -q '^error'; then bad="$bad; an error"; fi
	if [ -n "$bad" ]; then
		failed=1
		printf 'FAIL %s\n%s\n--- it said\n%s\n---\n' "$what" "$bad" "$said"
	else
		printf 'ok   %s: %s\n' "$what" "$(printf '%s' "$said" | head -n 1)"
	fi
}

as_tester() { setpriv --reuid=1000 --regid=1000 --init-groups env HOME=/home/tester "$@"; }
managed() { as_tester XDG_RUNTIME_DIR=/run/user/1000 "$@"; }
system_service() { systemd-run -q --wait --pipe "$@"; }
user_service() { managed systemd-run --user -q --wait --pipe "$@"; }
user_scope() { managed systemd-run --user -q --scope "$@"; }
beside() { printf '%s' "sleep 100 & $probe && $probe"; } # not alone, and twice

scope='hotcell-[0-9a-f]\{16\}\.scope$'
user_slice=/user.slice/user-1000.slice/user@1000.service/app.slice
all='layout: v2 memory,pids,cpu'

expect 'root, from a service without delegation' "$all /system.slice/$scope" $probe
expect 'root, main process of an undelegated service' 'missing: the unit .*\.service
mend: set Delegate=yes' system_service $probe
expect 'root, delegated service' "$all /system.slice/run-.*\.service$" system_service -p Delegate=yes $probe
expect 'root, delegated service, not alone' "$all /system.slice/run-.*\.service$" \
	system_service -p Delegate=yes sh -c "$(beside)"
expect 'user, delegated system service' "$all /system.slice/run-.*\.service$" \
	system_service --uid=tester -p Delegate=yes $probe
expect 'user, delegated system service, not alone' "$all /system.slice/run-.*\.service$" \
	system_service --uid=tester -p Delegate=yes sh -c "$(beside)"
expect 'user without a manager' 'mend: sudo loginctl enable-linger 1000' as_tester $probe

loginctl enable-linger 1000 # the mend
until [ -S /run/user/1000/systemd/private ]; do sleep 0.1; done
managed systemctl --user is-system-running --wait >/dev/null

expect 'user after the mend, without its environment' "$all $user_slice/$scope" as_tester $probe
expect 'user with a manager' "$all $user_slice/$scope" managed $probe
expect 'user, delegated user service' "$all $user_slice/run-.*\.service$" user_service -p Delegate=yes $probe
expect 'user, delegated user service, not alone' "$all $user_slice/run-.*\.service$" \
	user_service -p Delegate=yes sh -c "$(beside)"
expect 'user, main process of an undelegated user service' 'missing: the unit .*\.service
mend: set Delegate=yes .*systemctl --user edit' user_service $probe
expect 'user, undelegated user service, not its main process' "$all $user_slice/$scope" \
	user_service sh -c "$probe; true"
expect 'user, delegated user scope (the mend)' "$all $user_slice/run-.*\.scope$" user_scope -p Delegate=yes $probe
expect 'user, undelegated user scope' "$all $user_slice/$scope" user_scope $probe

managed systemctl --user stop dbus.socket dbus.service 2>/dev/null
rm -f /run/user/1000/bus
for try in 1 2 3; do
	expect "user, no message bus, try $try" "$all $user_slice/$scope" managed $probe
done
expect 'user, no message bus, delegated scope' "$all $user_slice/run-.*\.scope$" user_scope -p Delegate=yes $probe

# A manager to which the CPU controller is not given, as before systemd 252.
delegate() { printf '[Service]\nDelegate=\nDelegate=%s\n' "$1" >/etc/systemd/system/user@.service.d/a.conf; }
again() {
	systemctl daemon-reload
	systemctl restart user@1000
	until [ -S /run/user/1000/systemd/private ]; do sleep 0.1; done
	managed systemctl --user is-system-running --wait >/dev/null
}
mkdir -p /etc/systemd/system/user@.service.d
delegate 'memory pids'
again
expect 'user, manager without cpu' 'missing: control group .*/hotcell-.* is not given the controllers cpu
mend: sudo sh -c' managed $probe
managed $probe | sed -n 's/^mend: sudo //p' >/tmp/mend
sh /tmp/mend
again
expect 'user, manager without cpu, after the mend' "$all $user_slice/$scope" managed $probe
rm -r /etc/systemd/system/user@.service.d
again

# Without systemd in sight: root at the kernel's root; in a namespace of its
# own, alone and not, with a read-only mount and none; a user who gets a group.
into() { # GROUP COMMAND...: in a new group below the root, or in the root
	[ -d "/sys/fs/cgroup/$1" ] || mkdir "/sys/fs/cgroup/$1"
	sh -c 'echo $$ >/sys/fs/cgroup/$0/cgroup.procs && exec "$@"' "$@"
}
hide='mount -t tmpfs none /run/systemd'
contained() { # MODE COMMAND: as root of a cgroup namespace, with its own mount
	into "$(basename "$(mktemp -u container.XXXXXX)")" unshare -mC sh -c "$hide && umount /sys/fs/cgroup &&
		mount -t cgroup2 -o $1 none /sys/fs/cgroup && $2"
}
as_user='exec setpriv --reuid=1000 --regid=1000 --init-groups'
echo '+memory +pids +cpu' >/sys/fs/cgroup/cgroup.subtree_control

expect 'root without systemd' "$all /$" into . unshare -m sh -c "$hide; exec $probe"
expect 'container, alone' "$all /$" contained rw "exec $probe"
expect 'container, shell beside' 'missing: control group / holds other processes
mend: sh -c ' contained rw "$probe; true"
expect 'container, shell beside, after the mend' "$all /$" contained rw \
	"m=\$($probe | sed -n 's/^mend: //p'); sh -c \"\$m\"; $probe; true"
expect 'container, second supervisor' "$all /$" contained rw "exec sh -c 'm=\$($probe); exec $probe'"
expect 'container, read-only' 'missing: control groups are mounted read-only at /sys/fs/cgroup
mend: mount -o remount,rw' contained ro "exec $probe"
expect 'container, no mount' 'missing: no control group file system is mounted
mend: mount -t cgroup2' unshare -m sh -c "umount /sys/fs/cgroup && exec $probe"
expect 'user without systemd' 'missing: user 1000 may not make groups in control group /plain1
mend: sudo sh -c' into plain1 unshare -m sh -c "$hide; $as_user $probe"
# The shell asks, root does what it is told, the shell asks again.
expect 'user without systemd, after the mend' "$all /hotcell-user-1000$" into plain2 unshare -m sh -c "$hide
	(umask 0; mkdir /tmp/talk)
	($as_user sh -c '$probe | sed -n \"s/^mend: sudo //p\" >/tmp/talk/mend; touch /tmp/talk/asked
		until [ -e /tmp/talk/mended ]; do sleep 0.1; done; $probe') &
	until [ -e /tmp/talk/asked ]; do sleep 0.1; done
	sh -c \"\$(cat /tmp/talk/mend)\"; touch /tmp/talk/mended; wait"
expect 'user, a parent of the user, from outside' \
	'missing: from control group /plain3, user 1000 may not move processes to /hotcell-user-1000' \
	into plain3 unshare -m sh -c "$hide; $as_user $probe /hotcell-user-1000"
expect 'root, a parent' "$all /plain2$" into plain4 $probe /plain2

for group in 'container*' 'plain*' 'hotcell-user-1000*'; do
	find /sys/fs/cgroup -depth -type d -path "/sys/fs/cgroup/$group" -exec rmdir {} +
done 2>/dev/null
left=$(find /sys/fs/cgroup -name 'hotcell*')
if [ -n "$left" ]; then
	failed=1
	printf 'FAIL left behind: %s\n' "$left"
fi

# The tests themselves, as root and as a user.
cd /tmp || exit 1
system_service -p Delegate=yes "$binary" -test.v -test.timeout 100s || failed=1
managed systemctl --user start dbus.socket
user_service -p Delegate=yes "$binary" -test.v -test.timeout 100s || failed=1
exit $failed
