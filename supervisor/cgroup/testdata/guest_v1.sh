#!/bin/sh
# As guest.sh, for hosts with systemd and a v1 or hybrid layout:
#
#	guest_v1.sh TEST-BINARY
set -u
binary=$1
failed=0
fail() {
	failed=1
	printf 'FAIL %s\n' "$*"
}

# A model must stay in its groups while systemd changes the unit that started
# it. "hold" is a supervisor with one process in a group.
cat >/tmp/hold.sh <<'SCRIPT'
rm -f /tmp/in /tmp/out
mkfifo /tmp/in
HOTCELL_CGROUP_HELPER=hold "$1" '' </tmp/in >/tmp/out &
exec 3>/tmp/in
echo go >&3
until grep -q '^open\|^error' /tmp/out; do sleep 0.1; done
pid=$(awk '/^open/ { print $3 }' /tmp/out)
unit=$(sed -n 's,^.*name=systemd:.*/,,p' /proc/$$/cgroup)
groups() { grep -e freezer -e memory -e pids -e cpu /proc/$pid/cgroup; }
groups
echo --
systemctl set-property --runtime "$unit" MemoryMax=900M CPUWeight=50 TasksMax=500
systemctl daemon-reload
sleep 0.5
groups
echo go >&3
wait
grep closed /tmp/out
SCRIPT
for delegate in no yes; do
	systemd-run -q --wait --pipe -p Delegate=$delegate sh /tmp/hold.sh "$binary" >/tmp/said 2>&1
	sed '/^--/,$d' /tmp/said >/tmp/before
	sed '1,/^--/d; /^closed/d' /tmp/said >/tmp/after
	if ! cmp /tmp/before /tmp/after; then fail "Delegate=$delegate: systemd moved the process" "$(cat /tmp/said)"; fi
	if ! grep -q hotcell /tmp/before; then fail "Delegate=$delegate: not in its groups" "$(cat /tmp/said)"; fi
	if ! grep -q '^closed <nil>' /tmp/said; then fail "Delegate=$delegate: not closed" "$(cat /tmp/said)"; fi
	printf 'Delegate=%s: %s\n' $delegate "$(head -n 1 /tmp/before)"
done
left=$(find /sys/fs/cgroup -name 'hotcell*')
if [ -n "$left" ]; then fail "left behind: $left"; fi

cd /tmp || exit 1
for delegate in no yes; do
	systemd-run -q --wait --pipe -p Delegate=$delegate "$binary" -test.v -test.timeout 100s || failed=1
done
exit $failed
