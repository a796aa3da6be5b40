package main

import "hotcell/supervisor"

// Exit codes. The report, not the code, is the record.
const (
	exitOK        = 0
	exitModel     = 1 // exception, invalid-result
	exitUsage     = 2 // wrong usage or unusable input
	exitPolicy    = 3
	exitLimit     = 4 // output, operations, threads, recursion
	exitTime      = 124
	exitHost      = 125 // setup-error of the host, internal-error
	exitSignal    = 128 // plus the signal
	exitCancelled = 130
	exitMemory    = 137
)

func exitCode(c *supervisor.Cause) int {
	switch c.Verdict {
	case supervisor.OK:
		return exitOK
	case supervisor.Exception, supervisor.InvalidResult:
		return exitModel
	case supervisor.PolicyViolation:
		return exitPolicy
	case supervisor.OutputLimit, supervisor.OperationLimit, supervisor.ThreadLimit, supervisor.RecursionLimit:
		return exitLimit
	case supervisor.WallTimeLimit, supervisor.CPUTimeLimit:
		return exitTime
	case supervisor.MemoryLimit:
		return exitMemory
	case supervisor.Cancelled:
		return exitCancelled
	case supervisor.Crash:
		if c.Signal > 0 {
			return exitSignal + c.Signal
		}
		return exitModel
	case supervisor.SetupError:
		if c.Unmet == supervisor.UnmetInput {
			return exitUsage
		}
	}
	return exitHost
}
