#!/bin/sh
# Runs every fuzz target of the project for the given time. Usage: fuzz.sh TIME
set -eu
cd "$(dirname "$0")/.."
git grep -lE '^func Fuzz' -- '*_test.go' | sort | while read -r file; do
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
		echo "== $(dirname "$file") $target"
		# Minimising an input can take longer than the whole run.
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 1x "./$(dirname "$file")"
	done
done
