package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
)

// aLongTimeAgo ends a blocked read.
var aLongTimeAgo = time.Unix(1, 0)

// terminalAsker asks the person at the terminal. It refuses to start without
// one: a question that nobody sees would only hold the model up.
func terminalAsker(model string) (supervisor.Asker, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, badInput("--ask needs a terminal: %v; decide by --policy, or write one with --learn", err)
	}
	lines := bufio.NewReader(tty)
	return func(ctx context.Context, operation syscallpolicy.Operation) (syscallpolicy.Decision, bool) {
		stop := context.AfterFunc(ctx, func() { tty.SetReadDeadline(aLongTimeAgo) })
		defer tty.SetReadDeadline(time.Time{})
		defer stop()
		for {
			// What was typed before the question is no answer to it: the
			// model may have printed one of its own, and waited.
			if err := forgetTyped(tty); err != nil {
				return syscallpolicy.Decision{}, false
			}
			lines.Reset(tty)
			fmt.Fprintf(tty, "\nhotcell: the model %s wants to %v %s\n", safetext.Line(model), operation.Kind, askTarget(operation))
			fmt.Fprint(tty, "  [o]nce, [a]lways for this run, [d]eny, [k]ill? ")
			line, err := lines.ReadString('\n')
			if err != nil {
				return syscallpolicy.Decision{}, false
			}
			if decision, always, ok := askAnswer(line); ok {
				return decision, always
			}
		}
	}, nil
}

func forgetTyped(tty *os.File) error {
	raw, err := tty.SyscallConn()
	if err != nil {
		return err
	}
	var flushed error
	err = raw.Control(func(fd uintptr) { flushed = unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCIFLUSH) })
	return errors.Join(err, flushed)
}

func askTarget(operation syscallpolicy.Operation) string {
	text := safetext.Line(clip(operation.Target, 1000))
	if operation.Write {
		text += " (to change it)"
	}
	return text
}

// askAnswer reads a typed answer; anything unclear is asked again.
func askAnswer(line string) (d syscallpolicy.Decision, always, ok bool) {
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "o", "once":
		return syscallpolicy.Decision{Effect: syscallpolicy.Allow}, false, true
	case "a", "always":
		return syscallpolicy.Decision{Effect: syscallpolicy.Allow}, true, true
	case "d", "deny":
		return syscallpolicy.Decision{}, false, true
	case "k", "kill":
		return syscallpolicy.Decision{Effect: syscallpolicy.Kill}, false, true
	}
	return d, false, false
}
