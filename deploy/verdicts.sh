#!/bin/sh
# Packs the table of misbehaving models for a machine without Go: DIRECTORY gets
# two static programs and the models, and a run.sh that ends with the table's
# exit code. There it takes Python 3 with numpy, as root.
set -eu
cd "$(dirname "$0")/.."
into=${1:?usage: $0 DIRECTORY}
mkdir -p "$into/bin" "$into/cmd/hotcell" "$into/testdata"
cp bin/hotcell "$into/bin/"
cp -R testdata/models testdata/escape testdata/data "$into/testdata/"
go test -c -tags netgo,osusergo -ldflags '-s -w -linkmode external -extldflags -static' -o "$into/bin/hotcell.test" ./cmd/hotcell
cat >"$into/run.sh" <<'END'
#!/bin/sh
# Runs the table, or the tests that a pattern names: sh run.sh [PATTERN]
cd "$(dirname "$0")/cmd/hotcell" && HOTCELL_BIN="$PWD/../../bin/hotcell" exec ../../bin/hotcell.test -test.v -test.run "${1:-^TestModels$}"
END
