#!/usr/bin/env bash
# "Where is a device, and why?" and "Orders on single devices" of docs/operators.md.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
# What is only looked at goes without npx, which takes longer than the command.
show() { node app/cli/main.js allow show --local "$local_json" --json "$@"; }
device() { node app/cli/main.js device --local "$local_json" --folder "$folder" --count 1 "$@"; }

npx landfall allow add gate-1 gate-2 gate-3 gate-4 --product default --local "$local_json"
device --thing gate-1 --own-key --address 133.11.0.1
device --thing gate-2 --own-key --address 134.226.1.1
device --thing gate-3 --own-key --address 134.226.1.1

npx landfall allow show gate-1 --local "$local_json"
same 'the certificate' "$(show gate-1 | jq -r .certificate.status)" ACTIVE
same 'who allowed it' "$(show gate-1 --record-only | jq -r '.history[0].by')" "arn:aws:iam::$account:user/operator"

# A hand deactivates it: what show says, and what to do about it.
id=$(show gate-1 | jq -r .certificateId)
aws_in ap-northeast-1 iot update-certificate --certificate-id "$id" --new-status INACTIVE
npx landfall allow show gate-1 --local "$local_json" | grep '→ npx landfall allow reset gate-1'
refused_as 'add --yes' npx landfall allow reset gate-1 --local "$local_json"
npx landfall allow reset gate-1 --local "$local_json" --yes
rm "$folder/gate-1."*
device --thing gate-1 --own-key --address 133.11.0.1
same 'drift' "$(show gate-1 | jq -c .drift)" '[]'

# Cut off: the broker refuses it, and so does the edge; then let in again.
npx landfall allow block gate-2 --local "$local_json" --yes
refused_as 'no lasting connection' device --thing gate-2
rm "$folder/gate-2."*
refused_as 'you not' device --thing gate-2 --own-key
npx landfall allow unblock gate-2 --local "$local_json"
device --thing gate-2 --own-key --address 134.226.1.1
npx landfall allow list --product default --in eu-west-1 --all --json --local "$local_json" |
  jq -r 'select(.thingName == "gate-2") | .thingName' |
  npx landfall allow block - --yes --json --local "$local_json" | jq -e '.problems == []'

npx landfall allow move gate-3 --to eu-central-1 --local "$local_json"
rm "$folder/gate-3."*
device --thing gate-3 --own-key --address 134.226.1.1
same 'the new region' "$(show gate-3 | jq -r .region)" eu-central-1

npx landfall allow remove gate-3 gate-4 --local "$local_json" --yes
refused_as 'not in the allow-list' show gate-3
same 'the thing that is left' "$(aws_in eu-central-1 iot describe-thing --thing-name gate-3 | jq -r .thingName)" gate-3
