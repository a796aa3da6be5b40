package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a hotcell at its other end. What the
// person sees comes in, what he types goes out.
type terminal struct {
	t      *testing.T
	person *os.File
	far    *os.File
	seen   bytes.Buffer // all of it
	read   int          // how much of it expect is done with
}

// patience ends a test that waits for what does not come.
const patience = time.Minute

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open a pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatalf("unlock the pseudo-terminal: %v", err)
	}
	// Fd made it block, and reading needs a deadline.
	if err := unix.SetNonblock(int(person.Fd()), true); err != nil {
		t.Fatal(err)
	}
	far, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open the far end: %v", err)
	}
	t.Cleanup(func() { far.Close() })
	return &terminal{t: t, person: person, far: far}
}

func (p *terminal) write(text string) {
	p.t.Helper()
	if _, err := p.person.WriteString(text); err != nil {
		p.t.Fatalf("type %q: %v", text, err)
	}
}

// expect waits until the terminal shows a text behind what was expected last.
func (p *terminal) expect(text string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if i := strings.Index(p.seen.String()[p.read:], text); i >= 0 {
			p.read += i + len(text)
			return
		}
		var part [4096]byte
		p.person.SetReadDeadline(deadline)
		n, err := p.person.Read(part[:])
		p.seen.Write(part[:n])
		if err != nil {
			p.t.Fatalf("waiting for %q: %v; seen on the terminal:\n%q", text, err, p.seen.String())
		}
	}
}

// asking is a "hotcell run --ask" on a terminal.
type asking struct {
	*terminal
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// twice tries the same operation two times.
const twice = `
def model():
    got = []
    for _ in range(2):
        try:
            got.append(open("/etc/passwd").read()[:5])
        except OSError as e:
            got.append(type(e).__name__)
    return " ".join(got)
`

func (p *terminal) run(source string) *asking {
	p.t.Helper()
	model := filepath.Join(p.t.TempDir(), "asks.py")
	if err := os.WriteFile(model, []byte(source), 0o666); err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	p.t.Cleanup(cancel)
	a := &asking{terminal: p, cmd: exec.CommandContext(ctx, binary, "run", "--ask", "--json", model)}
	a.cmd.Stdin, a.cmd.Stdout, a.cmd.Stderr = p.far, &a.stdout, &a.stderr
	a.cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := a.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		a.cmd.Process.Kill() // nothing, once it ended
		a.cmd.Wait()
	})
	return a
}

// answer waits for the question, which names the model and what it wants, and
// types an answer.
func (a *asking) answer(text string) {
	a.t.Helper()
	a.expect("hotcell: the model ")
	a.expect("asks.py wants to open /etc/passwd\r\n")
	a.expect("[o]nce, [a]lways for this run, [d]eny, [k]ill? ")
	a.write(text)
}

// end gives the report and the exit code.
func (a *asking) end() (guestReport, int) {
	a.t.Helper()
	err := a.cmd.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		a.t.Fatalf("%v; seen on the terminal:\n%q\n%s", err, a.seen.String(), a.stderr.Bytes())
	}
	var r guestReport
	if err := json.Unmarshal(a.stdout.Bytes(), &r); err != nil {
		a.t.Fatalf("no report: %v; seen on the terminal:\n%q\n%s%s", err, a.seen.String(), a.stdout.Bytes(), a.stderr.Bytes())
	}
	return r, a.cmd.ProcessState.ExitCode()
}

// TestAsk: a person's answer is what happens, and what is on record.
func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		name      string
		ahead     string   // typed before hotcell starts
		answers   []string // one for each question that is to come
		verdict   string
		exit      int
		result    string
		decisions string
	}{
		{"once", "", []string{"once\n", "d\n"}, "ok", exitOK, "root: PermissionError", "allow 1, deny 1"},
		{"always", "", []string{"A\n"}, "ok", exitOK, "root: root:", "allow 2"},
		{"deny", "", []string{"deny\n", " d \n"}, "ok", exitOK, "PermissionError PermissionError", "deny 2"},
		{"kill", "", []string{"kill\n"}, "policy-violation", exitPolicy, "", "kill 1"},
		{"kill later", "", []string{"o\n", "k\n"}, "policy-violation", exitPolicy, "", "allow 1, kill 1"},
		{"unclear", "", []string{"yes\n", "\n", "a\n"}, "ok", exitOK, "root: root:", "allow 2"},
		{"end of input", "", []string{"\x04", "\x04"}, "ok", exitOK, "PermissionError PermissionError", "deny 2"},
		{"typed before the first question", "always\n", []string{"d\n", "d\n"}, "ok", exitOK, "PermissionError PermissionError", "deny 2"},
		{"typed before the second", "", []string{"once\nalways\n", "d\n"}, "ok", exitOK, "root: PermissionError", "allow 1, deny 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTerminal(t)
			if tt.ahead != "" {
				p.write(tt.ahead)
				p.expect(strings.TrimSpace(tt.ahead)) // its echo: the terminal has it
			}
			a := p.run(twice)
			for _, text := range tt.answers {
				a.answer(text)
			}
			r, code := a.end()
			var decisions []string
			for _, op := range r.Operations {
				decisions = append(decisions, fmt.Sprintf("%s %d", op.Decision, op.Count))
			}
			result := strings.Trim(string(r.Results["result"].Value), `"`)
			if r.Verdict != tt.verdict || code != tt.exit || result != tt.result || strings.Join(decisions, ", ") != tt.decisions {
				t.Errorf("%s, exit code %d, result %q, decisions %q; want %s, %d, %q, %q; seen on the terminal:\n%q",
					r.Verdict, code, result, decisions, tt.verdict, tt.exit, tt.result, tt.decisions, p.seen.String())
			}
		})
	}
}

// TestAskShowsPlainText: what a model chose reaches the terminal escaped.
func TestAskShowsPlainText(t *testing.T) {
	a := newTerminal(t).run("def model():\n    try:\n        open('/\\x1b[2J\\nhotcell: all is well')\n    except OSError:\n        pass\n")
	a.expect(`wants to open /\x1b[2J\nhotcell: all is well`)
	a.expect("[k]ill? ")
	a.write("d\n")
	if r, code := a.end(); r.Verdict != "ok" || code != exitOK || strings.Contains(a.seen.String(), "\x1b") {
		t.Errorf("%s, exit code %d; want ok, 0; seen on the terminal:\n%q", r.Verdict, code, a.seen.String())
	}
}

// TestAskWithoutTerminal: nobody to ask is an error before the model runs.
func TestAskWithoutTerminal(t *testing.T) {
	model := filepath.Join(t.TempDir(), "asks.py")
	if err := os.WriteFile(model, []byte(twice), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "run", "--ask", model)
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true} // a session without a terminal
	out, _ := cmd.CombinedOutput()
	want := "hotcell: setup-error: --ask needs a terminal: "
	if code := cmd.ProcessState.ExitCode(); code != exitUsage || !strings.HasPrefix(string(out), want) {
		t.Errorf("exit code %d, %q; want %d, %q...", code, out, exitUsage, want)
	}
}
