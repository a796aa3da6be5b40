// Command bench measures Hotcell against what a user would pick instead, on
// this machine, in one run: every figure is a ratio of measurements that were
// taken in turn, so that a machine that drifts or is shared moves both.
//
//	go run ./bench cold        "hotcell run" of a trivial numpy model to "python -c 'import numpy'"
//	go run ./bench launch      launches of a numpy model to its first result, from a pool and on demand, to bare
//	                           forks of a Python with numpy, to multiprocessing's forkserver and to other sandboxes
//	go run ./bench call        calls of a resident model to a byte sent to and fro between two C programs, and
//	                           its arrays to one np.copyto and to multiprocessing.Pipe
//	go run ./bench client      calls by the Python client to multiprocessing.Pipe
//	go run ./bench soak        what a million calls leave behind, by the Go API and by the Python client; fails if
//	                           that is anything
//	go run ./bench slices      16 sandboxes with parts of one array of 1 GiB: memory of the machine; fails if the
//	                           array is there more than once
//	go run ./bench operations  routed calls to a C program that answers them and does nothing else, on
//	                           an idle and on a busy machine, with and without 200 idle sandboxes open
//	go run ./bench allowed     calls that the filter allows, from a loop in C, to the same without Hotcell
//	go run ./bench speed       computing and allocating in Python and numpy, to the same without Hotcell
//	go run ./bench late        how long after their limit of time models are dead that do not come back
//	go run ./bench flood       what 100,000 forbidden operations with as many targets cost the supervisor
//	go run ./bench neighbours  a well-behaved sandbox beside ones that flood or sit at their limits, to the
//	                           same beside ones that only compute: its fair share of the processors
//
// launch takes more flags: -part NAMES for some of its parts, -chart FILE for a chart, -quiet TIME for what idle
// sandboxes use, -soak COUNT for so many launches in a row and what is left behind by them.
//
// -n ROUNDS sets how often each is measured, -hotcell BINARY what cold and
// speed run, -python INTERPRETER what all compare with, -idle COUNT how many
// sandboxes are open beside the measured one. It needs a C compiler, and what
// "hotcell run" needs.
//
// It prints medians with the smallest value and the quartiles; single figures
// in milliseconds are there to read the ratios by, not to be quoted. Nothing
// else should run on the machine: on a shared one "smallest to smallest" and
// the ratios that CPU time gives say most.
package main
