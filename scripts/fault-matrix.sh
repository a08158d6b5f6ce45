#!/bin/sh
# The whole fault matrix (tests/faults), on every version or those that are named, side by side; prints the table of
# cells of each, and what failed.
#   scripts/fault-matrix.sh [--versions 14,15,16,17,18] [--cells N|all] [--build DIR]
# --cells 1440 takes the covering slice and then a fair sample; all takes every cell.
set -eu
cd "$(dirname "$0")/.."
versions=14,15,16,17,18
cells=all
build=build/dev
while [ $# -gt 0 ]; do
  case "$1" in
    --versions) versions=$2; shift 2 ;;
    --cells) cells=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    *) echo "fault-matrix.sh: unknown option $1" >&2; exit 2 ;;
  esac
done
cmake --build "$build" --target falsework_tests_faults >/dev/null
# Side by side, for a cell waits more than it computes. What runs in the background does not hear of Ctrl-C.
logs=$(mktemp -d)
pids=
trap 'rm -rf "$logs"' EXIT
trap 'kill $pids; exit 130' INT TERM
echo "fault-matrix.sh: a line for each cell, until all are done: $logs" >&2
for version in $(echo "$versions" | tr ',' ' '); do
  FALSEWORK_TEST_VERSIONS=$version FALSEWORK_FAULT_VERSIONS=$version FALSEWORK_FAULT_CELLS=$cells \
    "$build/tests/falsework_tests_faults" -ts=faults/matrix >"$logs/$version" 2>&1 &
  pids="$pids $!"
done
status=0
for pid in $pids; do wait "$pid" || status=1; done
for version in $(echo "$versions" | tr ',' ' '); do sed '/: passed$/d' "$logs/$version"; done
exit $status
