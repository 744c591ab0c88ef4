#!/usr/bin/env bash
# The key commands of docs/operators.md: make, show, rotate; a signer's key changes without a gap.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
# What npx finds, without npm in between.
npx() { shift; node app/cli/main.js "$@"; }

npx landfall keys new --type ES256 --out "$folder/router.keys.json" >/dev/null
npx landfall keys rotate "$folder/router.keys.json" >"$folder/new.jwk"
same 'the first key' "$(npx landfall keys show "$folder/router.keys.json" | jq -r '.keys[0].kid')" "$(jq -r .kid "$folder/new.jwk")"
same 'the mode of the file' "$(stat -c %a "$folder/router.keys.json")" 600
refused_as 'is there already' npx landfall keys new --out "$folder/router.keys.json"
refused_as 'private key, which stays on the device' npx landfall allow add any --public-key "$folder/router.keys.json" --local "$local_json"

# The new key joins, then the old one leaves.
rotated() { npx landfall device --thing "$1" --local "$local_json" --folder "$folder" --own-key --count 1 --signing-key "$2"; }
apply_signers() {
  npx landfall product show default --local "$local_json" --json | jq --slurpfile shown "$folder/signers.json" \
    ".document | .signers = $1" >"$folder/default.json"
  npx landfall product apply "$folder/default.json" --local "$local_json" --yes
  sleep 6 # productRefreshSeconds
}
npx landfall keys new --out "$folder/valves.keys.json" >/dev/null
cp "$folder/valves.keys.json" "$folder/valves.old.json"
npx landfall keys rotate "$folder/valves.keys.json" >/dev/null
npx landfall keys show "$folder/valves.keys.json" --signer --json >"$folder/signers.json"
npx landfall allow add valve-1 valve-2 valve-3 --local "$local_json"
apply_signers '.signers + $shown[0].signers'
rotated valve-1 "$folder/valves.old.json"
rotated valve-2 "$folder/valves.keys.json"
apply_signers '.signers - [$shown[0].signers[1]]'
refused_as 'valve-3: not-authorized' rotated valve-3 "$folder/valves.old.json"
rotated valve-3 "$folder/valves.keys.json"
