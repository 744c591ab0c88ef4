#!/usr/bin/env bash
# The region commands of docs/operators.md: how each region is, drain one, restore it.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
status_of() { npx landfall region list --local "$local_json" --json | jq -r "select(.region == \"$1\") | .status"; }
region_of() { npx landfall allow show "$1" --local "$local_json" --json | jq -r .region; }
land() {
  npx landfall allow add "$1" --local "$local_json"
  npx landfall device --thing "$1" --local "$local_json" --folder "$folder" --own-key --address 134.226.1.1 --count 1
}

npx landfall region list --local "$local_json"
npx landfall region drain eu-west-1 --preview --local "$local_json"
same 'the status of eu-west-1' "$(status_of eu-west-1)" active

npx landfall region drain eu-west-1 --note 'AWS reports errors' --local "$local_json"
same 'the status of eu-west-1' "$(status_of eu-west-1)" draining
sleep 6 # productRefreshSeconds
land buoy-1
same 'the region of buoy-1' "$(region_of buoy-1)" eu-central-1

npx landfall region restore eu-west-1 --local "$local_json"
sleep 6
land buoy-2
same 'the region of buoy-2' "$(region_of buoy-2)" eu-west-1
refused_as 'is no Region' npx landfall region drain mars-1 --local "$local_json"
