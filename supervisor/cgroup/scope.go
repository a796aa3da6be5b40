package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// scopeLimit bounds the conversation with systemd.
const scopeLimit = 5 * time.Second

// systemdRuns is sd_booted(3).
func systemdRuns() bool { return isDir("/run/systemd/system") }

// underSystemd finds a place where systemd manages this process's group, which
// it did not delegate as far as the group's marks tell.
//
// A user's manager leaves no marks, and every group below it is the user's,
// delegated or not. In one that is not, systemd would count a sandbox's
// out-of-memory kill as the unit's own and stop the unit, so it is asked.
func (u *unified) underSystemd() (string, evict, error) {
	ctx, cancel := context.WithTimeout(context.Background(), scopeLimit)
	defer cancel()
	mine := ordinary() && writable(u.own)
	if mine && !strings.Contains(u.own, "/user@") {
		return u.own, evictAll, nil // given by an administrator
	}
	bus, err := dialSystemd(ctx)
	if err != nil {
		if mine {
			return u.own, evictAll, nil
		}
		return "", 0, noManager(err, u.mount.group(u.own))
	}
	defer bus.Close()
	if mine && bus.delegates(ctx) {
		return u.own, evictAll, nil
	}
	if unit := mainProcessOf(u.own); unit != "" {
		return "", 0, undelegated(unit)
	}
	if err := bus.startScope(ctx); err != nil {
		return "", 0, noScope(err)
	}
	return u.moved()
}

// mainProcessOf names the service whose main process this is. It stays there:
// systemd would go on watching a process that is no longer the unit's.
func mainProcessOf(dir string) string {
	unit := filepath.Base(dir)
	if strings.HasSuffix(unit, ".service") && os.Getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid()) {
		return unit
	}
	return ""
}

// moved returns the new group of this process.
func (u *unified) moved() (string, evict, error) {
	h, err := readHost()
	if err != nil {
		return "", 0, err
	}
	dir, ok := u.mount.dir(h.unified)
	if !ok || filepath.Ext(dir) != ".scope" || !isDir(dir) {
		return "", 0, noScope(fmt.Errorf("this process is in %s", h.unified))
	}
	u.own = dir
	return dir, evictAll, nil
}

// manager is a connection to the systemd that manages this user's units.
type manager struct {
	*dbus.Conn
	system dbus.BusObject
}

const (
	systemdName = "org.freedesktop.systemd1"
	managerName = systemdName + ".Manager"
)

// dialSystemd connects through the message bus or, on hosts without one, to
// systemd itself, as systemctl does. dbus.SessionBus would start a bus where
// there is none.
func dialSystemd(ctx context.Context) (*manager, error) {
	direct, bus := "/run/systemd/private", "/run/dbus/system_bus_socket"
	if uid := os.Geteuid(); uid != 0 {
		dir := os.Getenv("XDG_RUNTIME_DIR")
		if dir == "" {
			dir = "/run/user/" + strconv.Itoa(uid)
		}
		direct, bus = dir+"/systemd/private", dir+"/bus"
	}
	m, busErr := dial(ctx, bus, (*manager).greetBus)
	if busErr == nil {
		return m, nil
	}
	m, err := dial(ctx, direct, (*manager).greetSystemd)
	if err != nil {
		return nil, fmt.Errorf("%w; %w", busErr, err)
	}
	return m, nil
}

func dial(ctx context.Context, socket string, greet func(*manager, context.Context) error) (*manager, error) {
	conn, err := dbus.Dial("unix:path="+dbus.EscapeBusAddressValue(socket), dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	m := &manager{conn, conn.Object(systemdName, "/org/freedesktop/systemd1")}
	err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))})
	if err == nil {
		err = greet(m, ctx)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", socket, err)
	}
	return m, nil
}

// greetBus also asks for systemd's signals, which it sends to a direct
// connection without being asked.
func (m *manager) greetBus(ctx context.Context) error {
	return errors.Join(m.Hello(), m.AddMatchSignalContext(ctx, dbus.WithMatchMember("JobRemoved")),
		m.system.CallWithContext(ctx, managerName+".Subscribe", 0).Err)
}

// greetSystemd makes sure that systemd listens. A message that reaches it
// together with the end of the authentication lies there until the next one
// comes (seen with 252), so the first must be one that can be repeated.
func (m *manager) greetSystemd(ctx context.Context) error {
	var err error
	for range 10 {
		soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		err = m.system.CallWithContext(soon, "org.freedesktop.DBus.Peer.Ping", 0).Err
		cancel()
		if err == nil {
			return nil
		}
	}
	return err
}

// delegates reports whether this process's unit has Delegate=yes. The process
// id 0 stands for the asking one, whatever PID namespace it is in.
func (m *manager) delegates(ctx context.Context) bool {
	var unit dbus.ObjectPath
	err := m.system.CallWithContext(ctx, managerName+".GetUnitByPID", 0, uint32(0)).Store(&unit)
	if err != nil {
		return false
	}
	kind := systemdName + ".Service"
	if strings.HasSuffix(string(unit), "_2escope") {
		kind = systemdName + ".Scope"
	}
	var yes bool
	err = m.Object(systemdName, unit).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0,
		kind, "Delegate").Store(&yes)
	return err == nil && yes
}

type property struct {
	Name  string
	Value dbus.Variant
}

// startScope moves this process into a scope of its own and waits for it.
func (m *manager) startScope(ctx context.Context) error {
	signals := make(chan *dbus.Signal, 64)
	m.Signal(signals)
	name := randomName() + ".scope"
	properties := []property{
		{"Description", dbus.MakeVariant("Hotcell sandboxes of process " + strconv.Itoa(os.Getpid()))},
		{"PIDs", dbus.MakeVariant([]uint32{0})},
		{"Delegate", dbus.MakeVariant(true)},
		{"CollectMode", dbus.MakeVariant("inactive-or-failed")},
	}
	var none []struct {
		Name       string
		Properties []property
	}
	var job dbus.ObjectPath
	err := m.system.CallWithContext(ctx, managerName+".StartTransientUnit", 0,
		name, "fail", properties, none).Store(&job)
	if err != nil {
		return err
	}
	return waitJob(ctx, signals, job)
}

// waitJob waits for JobRemoved(id, job, unit, result).
func waitJob(ctx context.Context, signals <-chan *dbus.Signal, job dbus.ObjectPath) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, ok := <-signals:
			if !ok {
				return errors.New("systemd closed the connection")
			}
			if s.Name != managerName+".JobRemoved" || len(s.Body) < 4 || s.Body[1] != job {
				continue
			}
			if s.Body[3] != "done" {
				return fmt.Errorf("starting the scope: %v", s.Body[3])
			}
			return nil
		}
	}
}
