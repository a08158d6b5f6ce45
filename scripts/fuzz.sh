#!/bin/sh
# Runs each fuzz target for a time, from its kept corpus.
#   scripts/fuzz.sh [--seconds N] [--build DIR] [--keep DIR] [target...]
# New inputs go to a directory of their own, which --keep names; a finding stops its target and leaves crash-* there.
set -eu
cd "$(dirname "$0")/.."
seconds=3600
build=build/fuzz
keep=build/fuzz/found
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    --keep) keep=$2; shift 2 ;;
    -*) echo "fuzz.sh: unknown option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || set -- declaration_json declaration_sql plan ledger
if [ ! -x "$build/tests/fuzz/fuzz_plan" ]; then
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz
fi
status=0
for target in "$@"; do
  mkdir -p "$keep/$target"
  begun=$(date +%s)
  if "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="$keep/$target/" -print_final_stats=1 "$keep/$target" "tests/fuzz/corpus/$target" \
    >"$keep/$target.log" 2>&1; then
    verdict="no finding"
  elif grep -q 'run interrupted' "$keep/$target.log"; then
    verdict="no finding until it was interrupted"
  else
    verdict="FINDING, see $keep/$target.log"
    status=1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$keep/$target.log")
  echo "$target: $(($(date +%s) - begun)) s, ${runs:-?} inputs, $verdict"
done
exit $status
