#!/bin/sh
# All benchmarks, one after the other; about eight minutes. Usage: run.sh HOTCELL
set -eu
cd "$(dirname "$0")/.."
for benchmark in cold call allowed speed operations flood neighbours; do
	go run ./bench "$benchmark" -hotcell "$1"
	echo
done
