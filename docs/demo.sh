#!/bin/sh
# The main job from end to end, in a scratch folder that is removed again: append, run, sweep, verify, rollup; then one
# byte of the ledger is changed and verify names the row. Exits 0 only if every step answered as it must.
set -eu

program=$(cd "$(dirname "$0")/.." && pwd)/bin/ledger.js
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
# Nothing of the caller's own ledger is touched, and nothing in the environment changes a row.
export XDG_STATE_HOME="$scratch/home" TZ=UTC
for name in $(env | sed -n 's/^\(LEDGER_[A-Z_]*\)=.*/\1/p') TRACEPARENT; do unset "$name"; done
export LEDGER_DIR="$scratch/state"

ledger() { node "$program" "$@"; }

# Shows a command, runs it, and insists on its exit status.
step() {
  expected=$1
  shift
  printf '\n$'
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  status=0
  "$@" || status=$?
  [ "$status" = "$expected" ] && return
  printf 'demo: expected exit %s, found %s\n' "$expected" "$status" >&2
  exit 1
}

step 0 ledger append --agent coder --action tool.used --run-id r1 --cost-usd 0.0312
step 0 ledger append '{"agent":"void-pulse","action":"pulse.probe","outcome":"success","cost_usd":0.0001}'
step 0 ledger run --agent builder -- node -e 'console.log("built")'
step 0 ledger sweep
step 0 ledger verify
step 0 ledger rollup --by agent --cap 5.00

printf '\nNow one byte is changed: the 3 of 0.0312 becomes a 0.\n'
sed 's/"cost_usd":0\.0312/"cost_usd":0.0012/' state/audit.jsonl >changed
cat changed >state/audit.jsonl
step 1 ledger verify

printf '\nDone: the change was named, and verify ended with exit status 1, as it must.\n'
