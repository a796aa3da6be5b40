#!/bin/sh
# All benchmarks, one after the other. Usage: run.sh HOTCELL
set -eu
cd "$(dirname "$0")/.."
for benchmark in cold operations; do
	go run ./bench "$benchmark" -hotcell "$1"
	echo
done
