#!/bin/bash
# Breaks the engine on purpose, one way at a time (tests/mutants/*.patch), and says which part of the suite sees it.
#   scripts/mutants.sh [--version N] [--seconds N] [pattern...]
# Works on a copy below build/mutants. A patch's second line names the programs to run, in order, and what of them:
# `Tests: executor,faults -ts=executor/engagement`. Ends with 1 when a mutant survives or does not apply.
set -u
cd "$(dirname "$0")/.."
version=15
seconds=600
while [ $# -gt 0 ]; do
  case "$1" in
    --version) version=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    -*) echo "mutants.sh: unknown option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || set -- ''
work=$PWD/build/mutants
mkdir -p "$work"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [ -f "$file" ] || continue
  # Kept when it is the same, so that its object is; else newer than its object.
  cmp -s "$file" "$work/$file" || { mkdir -p "$work/$(dirname "$file")"; cp "$file" "$work/$file"; }
done
export CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1 FALSEWORK_TEST_VERSIONS=$version FALSEWORK_FAULT_VERSIONS=$version
caught=0 survived=0 broken=0
for pattern in "$@"; do
  for patch in tests/mutants/*"$pattern"*.patch; do
    name=$(basename "$patch" .patch)
    line=$(sed -n 's/^Tests: //p' "$patch")
    programs=${line%% *}
    filter=''
    [ "$line" = "$programs" ] || filter=${line#* }
    # Taken back by putting the file back: a patch with little context can come off elsewhere.
    files=$(sed -n 's,^+++ b/,,p' "$patch")
    (cd "$work" && rm -rf kept && mkdir kept && cp --parents $files kept/)
    restore() { (cd "$work" && for file in $files; do cp "kept/$file" "$file" && rm -f "$file.orig" "$file.rej"; done); }
    if ! (cd "$work" && patch -p1 -s -N -F3) <"$patch" >"$work/log" 2>&1; then
      printf '%-38s does not apply\n' "$name"
      broken=$((broken + 1))
      restore
      continue
    fi
    targets=$(echo "$programs" | sed 's/[^,]*/falsework_tests_&/g; s/,/ /g')
    verdict='SURVIVED'
    if ! (cd "$work" && cmake --preset dev >log 2>&1 && cmake --build build/dev --parallel 2 --target $targets >log 2>&1); then
      verdict='does not compile'
    else
      for target in $targets; do
        set -f
        (cd "$work" && timeout "$seconds" "build/dev/tests/$target" $filter >log 2>&1)
        status=$?
        set +f
        if [ $status -ne 0 ]; then
          where=$(sed -n 's/^TEST CASE: *//p' "$work/log" | sort -u | paste -sd '|' | sed 's/|/ | /g')
          [ $status -ne 124 ] || where="it does not end: $where"
          verdict="caught by ${target#falsework_tests_}: $where"
          break
        fi
      done
    fi
    case $verdict in
      caught*) caught=$((caught + 1)) ;;
      SURVIVED) survived=$((survived + 1)) ;;
      *) broken=$((broken + 1)) ;;
    esac
    printf '%-38s %s\n' "$name" "$verdict"
    restore
  done
done
echo "$caught caught, $survived survived, $broken not tried"
[ $survived -eq 0 ] && [ $broken -eq 0 ]
