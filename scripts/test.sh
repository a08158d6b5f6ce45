#!/usr/bin/env bash
# Installs what is needed, builds Falsework and runs every test on PostgreSQL 14 to 18.
# Prints, at the end and alone on a line: "N passed, N failed". The exit code is 0 only when nothing failed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/install.sh

build=${FALSEWORK_BUILD:-build/dev}
export FALSEWORK_TEST_VERSIONS=${FALSEWORK_TEST_VERSIONS:-14,15,16,17,18}
# Objects are shared with a checkout of the same code elsewhere.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

if ! { cmake --preset dev -B "$build" && cmake --build "$build" --parallel "$(nproc)"; } >&2; then
  echo "the build failed" >&2
  echo "0 passed, 1 failed"
  exit 1
fi

log=$build/ctest.log
status=0
# Verbose, because the summary that each program prints is counted below; shown only when something fails. Two programs
# more than there are cores, for they wait for locks and crashes more than they compute.
ctest --test-dir "$build" --parallel "$(($(nproc) + 2))" --output-log "$log" --verbose >/dev/null || status=$?

# doctest prints, per program: [doctest] test cases:  12 |  12 passed | 0 failed | 0 skipped
read -r passed failed < <(sed -n 's/.*\[doctest\] test cases: *[0-9]* | *\([0-9]*\) passed | *\([0-9]*\) failed.*/\1 \2/p' \
  "$log" | awk '{passed += $1; failed += $2} END {print passed + 0, failed + 0}')

if [ "$status" -ne 0 ]; then
  cat "$log" >&2
  # A program that crashed or ran out of time has printed no summary.
  [ "$failed" -gt 0 ] || failed=1
fi
echo "$passed passed, $failed failed"
[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
