#!/usr/bin/env bash
# "Watch it happen" of docs/operators.md: an edge's log, to its end and as a collector gives it.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
edge_log=$(dirname "$local_json")/edge.log

npx landfall allow add ferry-1 --local "$local_json"
npx landfall device --thing ferry-1 --local "$local_json" --folder "$folder" --own-key --address 134.226.1.1 --count 1
refused_as 'you not' npx landfall device --thing ferry-9 --local "$local_json" --folder "$folder" --own-key

npx landfall watch --local "$local_json" --no-follow >"$folder/watched"
grep -E 'provisioned +ferry-1 +eu-west-1 +[0-9]+ km  nearest' "$folder/watched"
npx landfall watch "$edge_log" --no-follow --outcome refused failed >"$folder/watched"
grep -E 'refused +ferry-9 +- +unknown; from' "$folder/watched"
same 'the outcome' "$(sed 's/^/2026-11-25T16:03:05 /' "$edge_log" |
  npx landfall watch - --json --thing ferry-9 | jq -r .outcome)" refused

# It follows until it is told to end, and then sums up.
node app/cli/main.js watch "$edge_log" --from-start >"$folder/watched" &
watching=$!
for _ in $(seq 100); do
  grep -q ferry-9 "$folder/watched" && break
  sleep 0.1
done
kill -INT "$watching"
wait "$watching" || fail "the watch ended with exit code $?"
grep -E '^[0-9]+ requests.* provisioned, ' "$folder/watched"
