package supervisor

import (
	"os/exec"
	"runtime"
	"sync"
)

// starter starts children that cannot be born in their control group from one
// thread that lives as long as the supervisor: the kernel sends a child's
// parent-death signal when the thread that started it ends.
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
