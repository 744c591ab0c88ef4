#!/usr/bin/env bash
# Runs every documented example against a Landfall of its own on this machine: `npm run examples`.
# With names (run.sh device mosquitto) only those. Exit 1 where one failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH=$PWD/node_modules/.bin:$PATH

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need aws awscli
need mosquitto_pub mosquitto-clients
need openssl openssl
need curl curl
need jq jq
if [ ${#missing[@]} -gt 0 ]; then
  echo "error: the examples need tools that are not here: ${missing[*]}" >&2
  echo "hint: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi

names=("$@")
[ ${#names[@]} -gt 0 ] || names=(documents provision landfall contract aws-cli mosquitto edge commands import orders keys fleet watch products regions deploying)

work=$(mktemp -d)
landfall=
end() {
  if [ -n "$landfall" ] && kill "$landfall" 2>/dev/null; then wait "$landfall" || true; fi
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

echo 'Starting Landfall on this machine …'
node app/cli/main.js local --data "$work/data" --json >"$work/ready" 2>"$work/local.log" &
landfall=$!
until [ -s "$work/ready" ]; do
  if ! kill -0 "$landfall" 2>/dev/null || [ "$SECONDS" -gt 60 ]; then
    echo "error: landfall local didn't start" >&2
    cat "$work/local.log" >&2
    exit 1
  fi
  sleep 0.2
done

passed=0
failed=0
for name in "${names[@]}"; do
  began=$SECONDS
  if timeout 120 "docs/examples/$name.sh" "$work/data/local.json" >"$work/said" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name ($((SECONDS - began)) s)"
  else
    code=$?
    failed=$((failed + 1))
    echo "FAILED  $name (exit $code)"
    tail -n 20 "$work/said" | sed 's/^/        /'
  fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
