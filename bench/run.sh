#!/usr/bin/env bash
# Measures the copy against its alternatives on a throwaway server of its own, and prints each figure as a ratio of
# alternating runs. Writes bench.json, bench.md and bench.svg to BUILD/bench. Nothing else is left behind.
#
#   bench/run.sh [--quick] [--rows N] [--rounds N] [--only NAME,...]
#
#   --quick              200,000 rows and one round instead of 5,000,000 and three
#   FALSEWORK_BUILD      the build directory (default build/release); its program is what is measured
#   FALSEWORK_PG_ROOT    where the servers are, by version; else those of the system
#   FALSEWORK_BENCH_VERSION  the PostgreSQL version, 14 to 18 (default 15)
#
# pgroll is built from its Go module where Go is there, and left out where it is not.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${FALSEWORK_BUILD:-build/release}
if [ ! -x "$build/bin/falsework" ]; then
  printf 'bench: %s/bin/falsework is not there: build it, or name another build with FALSEWORK_BUILD\n' "$build" >&2
  exit 1
fi
exec python3 bench/figures.py --program "$PWD/$build/bin/falsework" --out "$PWD/$build/bench" "$@"
