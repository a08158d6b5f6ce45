#!/bin/sh
# The soak (tests/faults): a random program of changes under clients of both shapes, faults, resumes and rollbacks.
#   scripts/soak.sh [--minutes N] [--version V] [--replay SEED] [--build DIR]
# Prints its seed first and last; --replay makes the same decisions again.
set -eu
cd "$(dirname "$0")/.."
minutes=60
version=15
seed=
build=build/dev
while [ $# -gt 0 ]; do
  case "$1" in
    --minutes) minutes=$2; shift 2 ;;
    --version) version=$2; shift 2 ;;
    --replay) seed=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    *) echo "soak.sh: unknown option $1" >&2; exit 2 ;;
  esac
done
cmake --build "$build" --target falsework_tests_faults >/dev/null
FALSEWORK_TEST_VERSIONS=$version FALSEWORK_SOAK_VERSION=$version FALSEWORK_SOAK_SECONDS=$((minutes * 60)) \
  FALSEWORK_SOAK_SEED=$seed "$build/tests/falsework_tests_faults" -ts=faults/soak
