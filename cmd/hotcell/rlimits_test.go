package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startModel starts a model that does not end by itself and waits for its call,
// before which its last limit is set. It gives hotcell and the sandbox's process.
func startModel(t *testing.T, args ...string) (cmd *exec.Cmd, report *bytes.Buffer, sandbox int) {
	t.Helper()
	report = &bytes.Buffer{}
	cmd = exec.Command(binary, append([]string{"run", "--json"}, args...)...)
	cmd.Stdout = report
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	eventually(t, "call of a model", func() bool {
		if sandbox == 0 {
			sandbox = findSandbox(cmd.Process.Pid)
		}
		return cpuLimited.Match(processLimits(sandbox))
	})
	return cmd, report, sandbox
}

var cpuLimited = regexp.MustCompile(`(?m)^Max cpu time +\d`)

// processLimits are a process's as the kernel says them, empty when it is gone.
func processLimits(pid int) []byte {
	limits, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	return limits
}

// eventually waits for what must come about.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s", what)
		}
	}
}

// What the kernel holds a model's process to by itself, as the kernel says it.
func TestProcessLimits(t *testing.T) {
	_, _, sandbox := startModel(t, "--memory", "128M", "--threads", "7", "--cpu-time", "90s", "--max-file", "3M", testdata(t, "models", "sleeps.py"))
	limits := processLimits(sandbox)
	for _, want := range []string{
		`Max cpu time +92 +92 `,
		`Max file size +3145728 +3145728 `,
		`Max data size +(1[3-9]\d{7}) +(1[3-9]\d{7}) `, // 123 MiB beyond what is there
		`Max stack size +8388608 +8388608 `,
		`Max core file size +0 +0 `,
		`Max processes +8 +8 `, // one more than the control group
		`Max open files +256 +256 `,
		`Max locked memory +0 +0 `,
		`Max address space +\d{10} +unlimited `, // raised for later arrays
		`Max pending signals +64 +64 `,
		`Max msgqueue size +0 +0 `,
		`Max nice priority +0 +0 `,
		`Max realtime priority +0 +0 `,
	} {
		if !regexp.MustCompile(`(?m)^` + want).Match(limits) {
			t.Errorf("no %s in\n%s", want, limits)
		}
	}
}

// The kernel ends a model that used its CPU time even if the supervisor sleeps.
func TestCPUTimeWithoutSupervisor(t *testing.T) {
	cmd, report, sandbox := startModel(t, "--cpu-time", "900ms", testdata(t, "models", "cpu_time.py"))
	if err := cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "end", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", sandbox))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	if err := cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	var r guestReport
	if err := json.Unmarshal(report.Bytes(), &r); err != nil {
		t.Fatalf("no report: %v\n%s", err, report.Bytes())
	}
	if r.Verdict != "cpu-time-limit" || r.Source != "kernel" || cmd.ProcessState.ExitCode() != exitTime {
		t.Errorf("verdict %s from %s, exit code %d; want cpu-time-limit from kernel, %d", r.Verdict, r.Source, cmd.ProcessState.ExitCode(), exitTime)
	}
}
