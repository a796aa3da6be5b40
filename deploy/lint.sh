#!/bin/sh
# Format, vet, staticcheck, and a few rules of our own; each says why.
set -eu
cd "$(dirname "$0")/.."
failed=0
complain() { echo "lint: $1" >&2; failed=1; }

unformatted=$(gofmt -l $(git ls-files -co --exclude-standard '*.go'))
[ -z "$unformatted" ] || complain "not formatted by gofmt: $unformatted"

go vet ./... || failed=1
# What has a twin for other systems must at least build there.
for package in ./syscallpolicy; do
	GOOS=darwin CGO_ENABLED=0 go vet "$package" || complain "$package: go vet fails for another system"
done
go tool staticcheck ./... || failed=1
go mod tidy -diff >/dev/null || complain "go.mod: run go mod tidy"

# rule PATTERN FILES... WHY: no line of the named files may match.
rule() {
	why=$1 pattern=$2
	shift 2
	if git grep -nE -e "$pattern" -- "$@"; then complain "$why"; fi
}

# A reader of unsafe code must find all of it: one kind of file holds it.
rule 'unsafe belongs in files named *_unsafe.go' '^[[:space:]]*(import )?"unsafe"' '*.go' ':!*_unsafe.go' ':!*_test.go'
# One way to say it, so that messages read alike and wrap well.
rule 'an error names the operation, it does not say that it failed' '(Errorf|errors\.New)\("(failed to|cannot|could not|unable to) ' '*.go' ':!*_test.go'
# A sandbox speaks a format whose sizes and types are ours.
rule 'no self-describing format towards a sandbox' '"encoding/(gob|json|xml|asn1)"' 'ipc/*.go' 'shm/*.go' 'supervisor/*.go' ':!*_test.go'
# pickle and eval turn bytes of a sandbox into code of the host.
rule 'no pickle, no eval in the shim or the client' '(^|[^_.a-z])(pickle|eval)([^_a-z]|$)' 'vm/shim/*.py' 'client/*.py'
# A skip hides a hole: internal/require has it told at the end of make test.
rule 'tests skip by internal/require only, which tells why' 't\.(Skip|Skipf|SkipNow)\(' '*_test.go' ':!internal/require/*'

exit $failed
