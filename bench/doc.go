// Command bench measures Hotcell against what a user would pick instead, on
// this machine, in one run: every figure is a ratio of measurements that were
// taken in turn, so that a machine that drifts or is shared moves both.
//
//	go run ./bench cold|operations [-n ROUNDS] [-hotcell BINARY]
//
// It prints medians with the quartiles; single figures in milliseconds are
// there to read the ratios by, not to be quoted.
package main
