#!/usr/bin/env bash
# Installs what is needed, builds Falsework, and measures it against its alternatives on a throwaway server of its own:
# each figure is a ratio of alternating runs. Prints them, and writes bench.json, bench.md and bench.svg to BUILD/bench.
# About an hour on two cores, with 45 GB of free disk below TMPDIR (for 20 million rows); nothing else may run meanwhile.
#
#   bench/run.sh [--quick] [--rows N] [--rounds N] [--rate N] [--only PART,...] [--no-pgroll]
#
#   --quick              200,000 rows and one round instead of 5,000,000 and three, and nothing larger
#   --rate N             client statements per second beside a run (default 200)
#   --only PART,...      copy, snapshots, trigger, unrelated, clients, in_place, resume, planning, scaling
#   --no-pgroll          leave the peer out
#   FALSEWORK_BUILD      the build directory (default build/release); one that has the program is measured as it is
#   FALSEWORK_PG_ROOT    where the servers are, by version; else those of the system
#   FALSEWORK_BENCH_VERSION  the PostgreSQL version, 14 to 18 (default 15)
#
# pgroll is built from its Go module where Go is there, and left out where it is not. docs/benchmarks.md says what each
# figure means.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${FALSEWORK_BUILD:-build/release}
if [ -z "${FALSEWORK_BUILD:-}" ]; then
  bash scripts/install.sh
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  {
    [ -e "$build/CMakeCache.txt" ] || cmake --preset release -B "$build" -DFALSEWORK_TESTS=OFF
    cmake --build "$build" --parallel "$(nproc)" --target falsework
  } >&2
elif [ ! -x "$build/bin/falsework" ]; then
  printf 'bench: %s/bin/falsework is not there: build it, or leave FALSEWORK_BUILD away\n' "$build" >&2
  exit 1
fi
program=$(realpath "$build/bin/falsework")
export PYTHONDONTWRITEBYTECODE=1
# The client programs of Debian's package, where they are not on the path.
export PATH=$PATH:/usr/lib/postgresql/15/bin
exec python3 bench/figures.py --program "$program" --out "$(realpath "$build")/bench" "$@"
