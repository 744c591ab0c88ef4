#!/usr/bin/env bash
# The shell device of docs/device.md by the Landfall contract: with a clock, without one, with a wrong one
# and with pinned router keys; asking again gives the same certificate, and forgeries are refused.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
# What npx finds, without npm in between.
npx() { shift; node app/cli/main.js "$@"; }

LANDFALL_URL=$(local_value .landfallUrl)
AUDIENCE=$(local_value .audience)
export LANDFALL_URL AUDIENCE

# factory NAME …: a signing key for each device, whose public half goes into the allow-list.
factory() {
  for name in "$@"; do
    (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$folder/$name.signing.key.pem")
    openssl pkey -in "$folder/$name.signing.key.pem" -pubout |
      npx landfall allow add "$name" --public-key - --local "$local_json"
  done
}
factory gauge-1 gauge-2

FROM=133.11.0.1 "$examples/device-landfall.sh" gauge-1
same 'the region of gauge-1' "$(cut -d: -f3 "$folder/gauge-1.endpoint")" ap-northeast-1
same 'the region in the receipt' "$(jq -r .region "$folder/gauge-1.receipt.json")" ap-northeast-1
same 'the mode of the key' "$(stat -c %a "$folder/gauge-1.device.key.pem")" 600
cp "$folder/gauge-1.device.cert.pem" "$folder/first.pem"

# The answer was lost, say, and the battery of the clock is empty: the device asks again, by a nonce.
rm "$folder/gauge-1.endpoint" "$folder/gauge-1.device.cert.pem"
NO_CLOCK=yes FROM=134.226.1.1 "$examples/device-landfall.sh" gauge-1
cmp "$folder/first.pem" "$folder/gauge-1.device.cert.pem"

# Its clock stands at 1970: the first request is refused, and the second has the nonce of the refusal.
rm "$folder/gauge-1.endpoint"
NOW=12345 "$examples/device-landfall.sh" gauge-1
same 'the requests that were stale' "$(jq -cR 'fromjson? | select(.thingName == "gauge-1") | .reason' \
  "$(dirname "$local_json")/edge.log" | grep -c stale)" 1
cmp "$folder/first.pem" "$folder/gauge-1.device.cert.pem"

# The factory gave it the router's keys. Others than those sign nothing that it believes.
curl --silent --fail "${LANDFALL_URL%/*}/jwks" >"$folder/router.jwks.json"
npx landfall keys new --out "$folder/other.keys.json" >/dev/null
npx landfall keys show "$folder/other.keys.json" >"$folder/other.jwks.json"
ROUTER_KEYS=$folder/other.jwks.json refused_as 'none of the router' "$examples/device-landfall.sh" gauge-2
same 'what was kept of it' "$(ls "$folder" | grep -c 'gauge-2.endpoint' || true)" 0
ROUTER_KEYS=$folder/router.jwks.json "$examples/device-landfall.sh" gauge-2

# Another key, another deployment, another name.
rm "$folder/gauge-2.endpoint"
openssl ecparam -name prime256v1 -genkey -noout -out "$folder/gauge-2.signing.key.pem"
refused_as '403 not-authorized' "$examples/device-landfall.sh" gauge-2
AUDIENCE=elsewhere refused_as '400 wrong-audience: aud must be' "$examples/device-landfall.sh" gauge-2
cp "$folder/gauge-1.signing.key.pem" "$folder/gauge-3.signing.key.pem"
refused_as '403 not-authorized' "$examples/device-landfall.sh" gauge-3

# The same by the reference device; its receipt is verified as it comes.
npx landfall keys new --out "$folder/gauge-4.keys.json" --type Ed25519 >/dev/null
npx landfall keys show "$folder/gauge-4.keys.json" --allow |
  npx landfall allow add gauge-4 --public-key - --local "$local_json"
npx landfall device --thing gauge-4 --local "$local_json" --folder "$folder" --count 1 \
  --signing-key "$folder/gauge-4.keys.json" --delivery-key X25519 --no-clock
npx landfall allow add gauge-5 --local "$local_json"
npx landfall device --thing gauge-5 --local "$local_json" --folder "$folder" --count 1 --contract landfall --own-key
refused_as 'gauge-5: not-authorized' npx landfall device --thing gauge-5 --local "$local_json" \
  --folder "$folder" --contract landfall --fake
