#!/usr/bin/env bash
# "Look at the fleet" of docs/operators.md: lists, counts, exports.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
list() { npx landfall allow list --json --local "$local_json" "$@"; }

npx landfall allow add tram-1 tram-2 tram-3 --product default --local "$local_json"
for each in 1 2; do
  npx landfall device --thing "tram-$each" --local "$local_json" --folder "$folder" --own-key --address 134.226.1.1 --count 1
done

npx landfall allow list --status provisioned --since 2h --local "$local_json"
npx landfall allow list --status provisioning --older-than 10m --local "$local_json"
npx landfall allow list --product lamps --in eu-central-1 --limit 20 --local "$local_json"
same 'the newest' "$(list --status provisioned --limit 1 | jq -r .thingName)" tram-2
token=$(list --in eu-west-1 --limit 1 2>&1 >/dev/null | sed -n 's/^next: //p')
same 'the second newest' "$(list --from "$token" --limit 1 | jq -r .thingName)" tram-1
refused_as 'add --yes' list --status unprovisioned
list --status unprovisioned --all --yes >"$folder/waiting"
grep -q '"thingName":"tram-3"' "$folder/waiting"

npx landfall allow stats --yes --local "$local_json"
npx landfall allow stats --yes --json --local "$local_json" |
  jq -e '[.statuses[].devices] | add >= 3'

npx landfall allow export "$folder/fleet.csv.gz" --yes --local "$local_json"
gunzip <"$folder/fleet.csv.gz" >"$folder/fleet.csv"
head -1 "$folder/fleet.csv" | grep '^thing_name,prov_status,'
npx landfall allow export "$folder/waiting.csv" --status unprovisioned --yes --local "$local_json"
grep '^tram-3,unprovisioned,default,' "$folder/waiting.csv"
npx landfall allow export "$folder/regions.csv" --columns thing_name,aws_region --yes --local "$local_json"
grep '^tram-1,eu-west-1$' "$folder/regions.csv"
same 'the region of tram-1' "$(npx landfall allow export --format ndjson --yes --local "$local_json" |
  jq -r 'select(.thing_name == "tram-1") | .aws_region')" eu-west-1
