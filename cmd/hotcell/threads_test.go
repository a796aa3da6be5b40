package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"hotcell/internal/require"
)

// The threads of a numeric library fit the processors of its model, and so
// does what programs are told that count them.
func TestNativeThreads(t *testing.T) {
	interpreter := "/usr/bin/python3"
	maps := "import numpy; print(open('/proc/self/maps').read())"
	out, err := exec.Command(interpreter, "-I", "-c", maps).Output()
	if err != nil {
		t.Fatal(err)
	}
	threaded := strings.Contains(string(out), "openblas")
	for _, test := range []struct {
		cpus string
		want int
	}{{"0.5", 1}, {"1", 1}, {"1.5", 2}, {"2", 2}, {"64", 64}} {
		t.Run(test.cpus, func(t *testing.T) {
			want := min(test.want, runtime.NumCPU())
			cmd := exec.Command(binary, "run", "--json", "--interpreter", interpreter, "--cpus", test.cpus, testdata(t, "models", "native_threads.py"))
			var stdout bytes.Buffer
			cmd.Stdout = &stdout
			seen, err := runWatched(cmd)
			var r guestReport
			if jsonErr := json.Unmarshal(stdout.Bytes(), &r); jsonErr != nil {
				t.Fatalf("no report: %v, %v\n%s", jsonErr, err, stdout.Bytes())
			}
			if got := string(r.Results["result"].Value); !sameJSON(got, fmt.Sprintf("[%d, %d]", want, want)) {
				t.Errorf("the model counts %s processors; want %d", got, want)
			}
			if !threaded && want > 1 {
				require.Skip(t, "this numpy has no OpenBLAS, whose threads could be counted")
			}
			if seen.threads != want {
				t.Errorf("%d threads at once; want %d", seen.threads, want)
			}
		})
	}
}
