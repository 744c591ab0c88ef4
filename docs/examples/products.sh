#!/usr/bin/env bash
# The product commands of docs/operators.md and docs/region-policies.md: check, apply, explain, go back.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
product() { npx landfall product "$@" --local "$local_json"; }
region_of() { npx landfall allow show "$1" --local "$local_json" --json | jq -r .region; }

npx landfall product schema >"$folder/product.schema.json"
same 'the title of the schema' "$(jq -r .title "$folder/product.schema.json")" 'A product of Landfall'
product check docs/examples/lamps.yaml
refused_as 'add --yes' product apply docs/examples/lamps.yaml </dev/null
product apply docs/examples/lamps.yaml --yes
same 'the products' "$(product list --json | jq -r .name | paste -sd ' ')" 'default lamps'

explained=$(product explain lamps --ip 134.226.1.1 --thing lamp-7 --json)
same 'the region of lamp-7' "$(jq -r .placement.region <<<"$explained")" eu-west-1
same 'its rule' "$(jq -r .placement.rule.name <<<"$explained")" Europe
product explain lamps --ip 134.226.1.1 --thing lamp-7 --down eu-west-1 | grep -q 'lands in eu-central-1'
product explain lamps --ip 5.9.0.1 --down eu-central-1 | grep -q 'lands nowhere now'

# Where 400 devices would land, and the map of it.
regions=us-east-1,us-west-2,ca-central-1,sa-east-1,eu-west-1,eu-central-1,eu-north-1,me-central-1,ap-south-1,ap-southeast-1,ap-southeast-2,ap-northeast-1
npx landfall product check docs/examples/thermostats.yaml --regions $regions
product simulate lamps --against docs/examples/thermostats.yaml --regions $regions --sample 400 | grep -q 'Against docs/examples/thermostats.yaml'
product simulate docs/examples/thermostats.yaml --regions $regions --sample 400 --map "$folder/map.svg" --json >"$folder/simulated"
same 'the devices' "$(jq '[.after | .regions[], .unplaced[] | .devices] | add' "$folder/simulated")" 400
grep -q '</svg>' "$folder/map.svg"
printf '134.226.1.1\n5.9.0.1\n' | product simulate lamps --addresses - --json >"$folder/simulated"
same 'their countries' "$(jq -r '[.after.countries[].country] | sort | join(" ")' "$folder/simulated")" 'DE IE'

sed 's/eu-west-1: 70/eu-west-1: 60/' docs/examples/lamps.yaml >"$folder/lamps.yaml"
product apply "$folder/lamps.yaml" --yes | grep -q 'weights.eu-west-1: 70 → 60'
product rollback lamps --yes
same 'the versions' "$(product history lamps --json | jq -r .state | paste -sd ' ')" 'current earlier earlier'
same 'the weight' "$(product show lamps --json | jq '.document.regionPolicy.rules[3].weights["eu-west-1"]')" 70

# A rule for real: from Dublin, but golden.
product show default --json | jq '.document | .regionPolicy.rules =
  [{name: "gold", match: {attributes: {plan: "gold"}}, regions: ["ap-northeast-1"], strict: true}]' >"$folder/default.json"
product apply "$folder/default.json" --yes
npx landfall allow add lamp-plain --attribute plan=none --local "$local_json" >/dev/null
npx landfall allow add lamp-golden --attribute plan=gold --local "$local_json"
sleep 6 # productRefreshSeconds
for thing in lamp-golden lamp-plain; do
  npx landfall device --thing $thing --local "$local_json" --folder "$folder" --own-key --address 134.226.1.1 --count 1
done
same 'the region of lamp-golden' "$(region_of lamp-golden)" ap-northeast-1
same 'the region of lamp-plain' "$(region_of lamp-plain)" eu-west-1
product rollback default --yes
