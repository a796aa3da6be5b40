package supervisor

import (
	"os/exec"
	"runtime"
	"sync"
)

// starter starts every child from one thread that lives as long as the
// supervisor: the kernel sends a child's parent-death signal when the thread
// that started it ends, and Go ends threads as it likes.
var starter = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

func startProcess(cmd *exec.Cmd) error {
	done := make(chan error)
	starter() <- func() { done <- cmd.Start() }
	return <-done
}
