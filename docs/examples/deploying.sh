#!/usr/bin/env bash
# The commands of docs/deploying.md that need no deployment, as they stand there: keys, product, first
# device; rotating the router's keys; copying restored rows; removing every device. Instead of AWS they
# meet `landfall local`.
source "$(dirname "$0")/local.sh"
root=$(cd "$examples/../.." && pwd)
export PATH=$root/node_modules/.bin:$PATH

# Landfall's commands and the AWS CLI find it by the SDK's standard variables; so does Node its CA.
export AWS_ENDPOINT_URL=$aws_endpoint NODE_EXTRA_CA_CERTS=$CA_FILE
aws() { command aws --endpoint-url "$aws_endpoint" "$@"; }

# block HEADING N: the Nth sh block below a heading, for the tables of `landfall local`.
block() {
  awk -v heading="$1" -v wanted="$2" '
    /^#+ / { inside = $0 == heading }
    inside && /^ *```sh/ { count++; fenced = count == wanted; next }
    /^ *```/ { fenced = 0 }
    fenced' "$root/docs/deploying.md" | sed 's/-ada\b//g' >"$folder/commands"
  [ -s "$folder/commands" ] || fail "docs/deploying.md has no block $2 under '$1'"
}

cd "$folder"
ln -s "$root/app" "$root/node_modules" "$root/package.json" .
mkdir .sst
jq '{url: (.provisionUrl | sub("/device-provisioning$"; ""))}' "$local_json" >.sst/outputs.json

own='## The first device, on a stage of your own'
block "$own" 1
source ./commands

block "$own" 2
npm() { :; }
npx() {
  case "$1 $2" in
    'sst secret') cat >secret && return ;;
    sst\ *) return ;;
  esac
  shift
  local yes=()
  # Nobody is here to ask.
  [ "$1" != product ] || yes=(--yes)
  node "$root/app/cli/main.js" "$@" ${yes[@]+"${yes[@]}"}
  # An edge reads its products every five seconds.
  [ "$1" != product ] || sleep 6
}
source ./commands
same 'the secret' "$(<secret)" "$(<router.keys.json)"
same 'the device' "$(npx landfall allow show heater-1 --region "$table_region" --json | jq -r .status)" provisioned
npx landfall product rollback default --region "$table_region"

# Where the device landed depends on the address that it asked from: this machine's has no place.
landed=$(npx landfall allow show heater-1 --region "$table_region" --json | jq -r .region)
block '## Changing things' 2
sed -i "s/sa-east-1/$landed/" commands
same 'devices of that region' "$(source ./commands | jq '.Count > 0')" true

first=$(jq -r '.keys[0].kid' router.keys.json)
block '## Changing things' 1
source ./commands
same 'the keys' "$(jq '.keys | length' secret)" 2
same 'the old key' "$(jq -r '.keys[1].kid' secret)" "$first"

lost='## When something is lost'
aws_in "$table_region" dynamodb create-table --table-name iot-global-provisioning-2 --billing-mode PAY_PER_REQUEST \
  --attribute-definitions AttributeName=thing_name,AttributeType=S --key-schema AttributeName=thing_name,KeyType=HASH
aws_in "$table_region" dynamodb wait table-exists --table-name iot-global-provisioning-2
block "$lost" 2
sed -i "s/allow-list-restored/$table/" commands
same 'what was not written' "$(source ./commands)" ''
rows() { aws_in "$table_region" dynamodb scan --table-name "$1" --query 'sort_by(Items, &thing_name.S)'; }
same 'the copy' "$(rows iot-global-provisioning-2)" "$(rows "$table")"

mkdir -p .sst/artifacts/EdgeEuWest1-src
ln -s "$(local_value .edgeConfigFile)" .sst/artifacts/EdgeEuWest1-src/landfall.json
block '## Removing everything' 1
source ./commands
same 'devices' "$(aws_in "$table_region" dynamodb scan --table-name "$table" --query Count)" 0
