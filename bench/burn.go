package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// burners are plain processes, without Hotcell, that keep a processor busy
// each. They are processes and not goroutines: those would hold the Go
// processors with which a supervisor here answers.
type burners []burner

type burner struct {
	cmd *exec.Cmd
	end io.Closer // its standard input; it ends with us, too
}

func startBurners(ctx context.Context, python string, count int) (burners, error) {
	var b burners
	for range count {
		cmd := exec.CommandContext(ctx, python, "-I", "-S", "-c", string(model("burn.py")))
		end, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			b.stop()
			return nil, fmt.Errorf("start burner: %w", err)
		}
		b = append(b, burner{cmd, end})
	}
	return b, nil
}

func (b burners) stop() {
	for _, one := range b {
		one.end.Close()
	}
	for _, one := range b {
		one.cmd.Wait()
	}
}
