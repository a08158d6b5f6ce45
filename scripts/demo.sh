#!/usr/bin/env bash
# Installs what is needed, builds Falsework and takes four changes of a live schema from declaration to contract, on a
# throwaway server and under load; ends with a proof. About two minutes once it is built; leaves nothing but the build.
#
#   FALSEWORK_DEMO_VERSION   the PostgreSQL version, 14 to 18 (default 15)
#   FALSEWORK_BUILD          the build directory (default build/release); one that is configured is used as it is
#
# The plan, the runbook and the full output stay in BUILD/demo. The exit code is 0 only when the proof holds.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=${FALSEWORK_DEMO_VERSION:-15}
build=${FALSEWORK_BUILD:-build/release}
programs=${FALSEWORK_PG_ROOT:-/var/cache/falsework/postgres}/$version/bin
old_release_clients=3
new_release_clients=3

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
if [ ! -t 1 ]; then say() { printf '\n== %s\n' "$*"; }; fi
fail() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

case $version in
  14 | 15 | 16 | 17 | 18) ;;
  *) fail "FALSEWORK_DEMO_VERSION is $version: give one of 14 to 18" ;;
esac

# The server refuses to run as root.
as_server() {
  if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

scratch=
workload_pid=
clean_up() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  [ -z "$workload_pid" ] || kill "$workload_pid" 2>/dev/null || true
  if [ -n "$scratch" ]; then
    if [ -e "$scratch/server/data/postmaster.pid" ]; then
      as_server "$programs/pg_ctl" -D "$scratch/server/data" -m immediate -w stop >/dev/null 2>&1 || true
    fi
    rm -rf "$scratch"
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

bash scripts/install.sh

say "build"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
{
  [ -e "$build/CMakeCache.txt" ] || cmake --preset release -B "$build" -DFALSEWORK_TESTS=OFF
  cmake --build "$build" --parallel "$(nproc)" --target falsework falsework_workload
} >&2
falsework=$build/bin/falsework
out=$build/demo
rm -rf "$out"
mkdir -p "$out"

say "a throwaway PostgreSQL $version, and a shop of 300,000 rows"
scratch=$(mktemp -d /tmp/falsework-demo.XXXXXX)
chmod 711 "$scratch"
mkdir -m 700 "$scratch/server" "$scratch/mine"
[ "$(id -u)" -ne 0 ] || chown postgres: "$scratch/server"
(
  cd "$scratch"
  as_server "$programs/initdb" -D "$scratch/server/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
  # Nobody else on this machine gets in, and no port is opened.
  as_server "$programs/pg_ctl" -D "$scratch/server/data" -l "$scratch/server/log" -w -t 60 -o \
    "-c listen_addresses='' -c unix_socket_directories='$scratch/server' -c unix_socket_permissions=0700 -c max_connections=40" \
    start >/dev/null
) || fail "the server does not start: $(cat "$scratch/server/log" 2>/dev/null)"

psql=(/usr/lib/postgresql/15/bin/psql -h "$scratch/server" -qXAt -v ON_ERROR_STOP=1)
as_owner() { "${psql[@]}" -U shopkeeper "$@"; }
"${psql[@]}" -U postgres -d postgres -c "CREATE ROLE shopkeeper LOGIN" -c "CREATE DATABASE shop OWNER shopkeeper"
"${psql[@]}" -U postgres -d shop -c "ALTER SCHEMA public OWNER TO shopkeeper"
as_owner -d shop -f bench/demo/schema.sql -c "VACUUM ANALYZE users, orders, order_lines"
as_owner -d shop -F ' ' -c "SELECT ' ', relname, reltuples::bigint, 'rows' FROM pg_class WHERE relkind = 'r'
  AND relnamespace = 'public'::regnamespace ORDER BY relname"

now() { date +%s%3N; }
seconds() { printf '%d.%01d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# What the plain statements give, on a copy that nobody uses: the catalog to be reached, and what they would have cost.
"${psql[@]}" -U postgres -d postgres -c "CREATE DATABASE naive TEMPLATE shop OWNER shopkeeper"
began=$(now)
as_owner -d naive --single-transaction -f bench/demo/naive.sql
naive_time=$(($(now) - began))
as_owner -d naive -f bench/demo/catalog.sql >"$out/catalog.naive"
"${psql[@]}" -U postgres -d postgres -c "DROP DATABASE naive"

export DATABASE_URL="host=$scratch/server user=shopkeeper dbname=shop"
export FALSEWORK_STATE=$scratch/mine/state.db

# The clients obey what is written to their standard input, and end when it does.
coproc WORKLOAD { exec "$build/bin/falsework_workload" "$DATABASE_URL application_name=shop" $old_release_clients 4; }
workload_pid=$WORKLOAD_PID
exec {commands}>&"${WORKLOAD[1]}" {answers}<&"${WORKLOAD[0]}"
await() {
  local answer
  read -r answer <&"$answers" || fail "the clients have ended too early"
  [[ $answer == ok* ]] || fail "the clients answer: $answer"
}
clients() {
  printf '%s\n' "$*" >&"$commands" || fail "the clients have ended too early"
  await
}
await

times=()
stage_began=
stage_name=
end_stage() { [ -z "$stage_name" ] || times+=("$(printf '%-30s %s' "$stage_name" "$(seconds $(($(now) - stage_began)))")"); }
stage() {
  end_stage
  stage_name=$*
  stage_began=$(now)
  clients stage "$*"
}

# Every line goes to a file; the terminal gets what happens, without the list of steps that the runbook has already.
carry_on() {
  local log=$1
  shift
  if ! "$falsework" "$@" 2>&1 | tee "$out/$log" | grep --line-buffered -E '^(shop-[0-9a-f]+: .*(done|waits|%)|run shop)' |
    sed -u 's/^shop-[0-9a-f]*: /  /; s/^run /  run /'; then
    tail -n 20 "$out/$log" >&2
    fail "falsework $* failed"
  fi
}

disagreeing=0
compared=0
agree() {
  local what rows bad
  while IFS='|' read -r what rows bad; do
    printf '  %-55s %7d rows, %d disagree\n' "$what" "$rows" "$bad"
    compared=$((compared + rows))
    disagreeing=$((disagreeing + bad))
  done < <(as_owner -d shop -f bench/demo/agreement.sql || echo "the comparison failed|0|1")
}

say "the old release is live: $old_release_clients clients insert, update, delete, upsert, copy and read"
stage "before"
clients start old
sleep 5

say "falsework plan: four changes"
sed 's/^/  /' bench/demo/declaration.sql
"$falsework" plan bench/demo/declaration.sql -o "$out/plan.json" >"$out/plan.txt"
grep -E '^(plan|[a-z_]+: |  shop/)' "$out/plan.txt" | sed 's/^/  /'
"$falsework" runbook "$out/plan.json" -o "$out/runbook.md"
printf '  the runbook, for a reviewer: %s (%s lines)\n' "$out/runbook.md" "$(wc -l <"$out/runbook.md")"

say "falsework apply: expand, dual write, copy, validate; the old release goes on"
stage "apply"
carry_on apply.txt apply "$out/plan.json" --yes

say "the new release is rolled out beside the old one: $new_release_clients clients that know users.email_address"
stage "both releases, at the gate"
clients start new
sleep 5
agree

say "falsework advance --release 2026.12: the new types take over their names"
stage "advance to 2026.12"
carry_on switch.txt advance --release 2026.12 --yes
stage "both releases, switched"
sleep 5
agree

say "the old release is gone"
stage "new release alone"
clients stop old
sleep 2
agree

say "falsework advance --release 2027.01: contract"
stage "advance to 2027.01"
carry_on contract.txt advance --release 2027.01 --yes --confirm shop
stage "after"
sleep 3
end_stage
"$falsework" history shop >"$out/history.txt"

say "proof"
proven=true
printf 'finish\n' >&"$commands"
cat <&"$answers" >"$out/clients.txt"
wait "$workload_pid" || proven=false
workload_pid=
cat "$out/clients.txt"
printf '  rows in disagreement before contract: %d of %d compared\n' "$disagreeing" "$compared"
[ "$disagreeing" -eq 0 ] && [ "$compared" -gt 0 ] || proven=false

as_owner -d shop -f bench/demo/catalog.sql >"$out/catalog.shop"
if diff "$out/catalog.naive" "$out/catalog.shop" >"$out/catalog.diff"; then
  printf '  catalog: as the plain statements leave it on a copy, %d lines compared\n' "$(wc -l <"$out/catalog.shop")"
else
  proven=false
  printf '  catalog: differs from what the plain statements leave on a copy (<), in:\n'
  sed 's/^/    /' "$out/catalog.diff" | head -n 20
fi
printf '  the plain statements took %s on that copy, with all clients shut out\n' "$(seconds "$naive_time")"
printf '  time of each stage:\n'
printf '    %s\n' "${times[@]}"

if ! $proven; then
  printf '\nthe proof does NOT hold on PostgreSQL %s\n' "$version"
  exit 1
fi
printf '\nproven on PostgreSQL %s: no statement failed, no write was lost, the schema is as declared\n' "$version"
