#!/bin/sh
# All benchmarks, one after the other; about fifteen minutes. Usage: run.sh HOTCELL
set -eu
cd "$(dirname "$0")/.."
for benchmark in cold launch call client slices allowed speed operations late flood neighbours; do
	go run ./bench "$benchmark" -hotcell "$1"
	echo
done
