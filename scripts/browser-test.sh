#!/usr/bin/env bash
# Opens the HTML runbook of every example in headless Chromium and checks it (tests/browser/runbook_pages.py). Installs
# Chromium first, which scripts/install.sh leaves out for its size. Arguments go to the check: `--screenshots DIR 04`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/install.sh

if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -qq \
    chromium chromium-driver fonts-liberation >/dev/null
fi

build=${FALSEWORK_BUILD:-build/dev}
cmake --preset dev -B "$build" >&2
cmake --build "$build" --parallel "$(nproc)" --target falsework >&2
exec python3 tests/browser/runbook_pages.py --program "$build/bin/falsework" "$@"
