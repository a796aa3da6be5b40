#!/bin/sh
# The main job on real data, then a hostile model. Usage: run.sh HOTCELL
set -eu
hotcell=$1
demo=$(dirname "$0")
prices=$demo/../data/eu-stock-indices.csv
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

show() { echo "\$ $*"; }

echo "== A user's model on the DAX, 1991 to 1998 =="
show hotcell run momentum.py prices=@eu-stock-indices.csv:DAX window=60 target=0.10 --output-dir out
"$hotcell" run -v "$demo/momentum.py" "prices=@$prices:DAX" window=60 target=0.10 --output-dir "$out"
/usr/bin/python3 "$demo/check.py" "$out"

echo
echo "== A hostile model =="
show hotcell run --module _socket hostile.py prices=@eu-stock-indices.csv:DAX
code=0
"$hotcell" run --module _socket "$demo/hostile.py" "prices=@$prices:DAX" || code=$?
echo "exit code $code"
[ "$code" = 1 ]
