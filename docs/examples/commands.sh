#!/usr/bin/env bash
# Landfall's own commands: allow devices, switch them on, look at them, block one, sweep.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."

npx landfall doctor --local "$local_json"

npx landfall allow add bulb-1 bulb-2 --local "$local_json"
refused_as 'in the list already' npx landfall allow add bulb-1 --local "$local_json"

npx landfall device --thing bulb-1 --local "$local_json" --folder "$folder" --own-key --address 133.11.0.1 --count 1
npx landfall device --thing bulb-1 --local "$local_json" --folder "$folder" --count 1
npx landfall device --thing bulb-2 --local "$local_json" --folder "$folder" --address 200.144.0.1 --count 1
refused_as 'wrong sig' npx landfall device --thing bulb-1 --local "$local_json" --folder "$folder" --fake
refused_as 'you not' npx landfall device --thing bulb-3 --local "$local_json" --folder "$folder" --own-key

npx landfall allow show bulb-1 bulb-2 --local "$local_json"
same 'the region of bulb-2' "$(npx landfall allow show bulb-2 --local "$local_json" --json | jq -r .region)" sa-east-1

npx landfall where 133.11.0.1 2001:200::1
same 'the country of 133.11.0.1' "$(echo 133.11.0.1 | npx landfall where - --json | jq -r .country)" JP

npx landfall allow block bulb-2 --local "$local_json" --yes
refused_as 'no lasting connection' npx landfall device --thing bulb-2 --local "$local_json" --folder "$folder" --count 1
rm "$folder/bulb-2."*
refused_as 'you not' npx landfall device --thing bulb-2 --local "$local_json" --folder "$folder" --own-key

npx landfall sweep --local "$local_json" --dry-run
npx landfall sweep --local "$local_json"
same 'superseded certificates of bulb-2' "$(npx landfall allow show bulb-2 --local "$local_json" --json | jq '.superseded | length')" 0
