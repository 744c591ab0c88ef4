#!/usr/bin/env bash
# A whole device out of openssl, curl, jq and mosquitto_pub (docs/device.md explains each step).
#
#   PROVISION_URL=… SIGNING_KEY=fleet.key.pem CA_FILE=ca.pem device.sh THING
#
# SIGNING_KEY  the fleet's private RSA key
# CA_FILE      the authority of the MQTT endpoint (on AWS: Amazon's root certificates)
# FOLDER       where the device keeps its files; default: here
# FROM         an address to pretend to be at; only edges that trust this machine as a proxy listen
set -euo pipefail
umask 077

thing=${1:?usage: device.sh THING}
: "${PROVISION_URL:?}" "${SIGNING_KEY:?}" "${CA_FILE:?}"
base=${FOLDER:-.}/$thing

# 1. The key, once, and its CSR. Both stay: whoever asks again with them gets the same certificate.
if [ ! -s "$base.device.csr.pem" ]; then
  openssl ecparam -name prime256v1 -genkey -noout -out "$base.device.key.pem"
  openssl req -new -key "$base.device.key.pem" -subj "/CN=$thing" -out "$base.device.csr.pem"
fi

if [ ! -s "$base.endpoint" ]; then
  # 2. The signature: RSA PKCS#1 v1.5 with SHA-256 over the name's bytes, in base64 on one line.
  signature=$(printf %s "$thing" | openssl dgst -sha256 -sign "$SIGNING_KEY" | openssl base64 -A)

  # 3. Ask. A random pause first, as many devices may be switched on at once; then curl repeats
  #    whatever may pass (429, 503, no connection) and waits as long as Retry-After says.
  sleep "0.$(shuf -i 100-999 -n 1)"
  status=$(
    jq -n --arg name "$thing" --arg sig "$signature" --rawfile csr "$base.device.csr.pem" \
      '{"thing-name": $name, "thing-name-sig": $sig, "CSR": $csr}' |
      curl --silent --show-error --max-time 35 --retry 8 --retry-max-time 300 --retry-connrefused \
        ${FROM:+--header "X-Forwarded-For: $FROM"} --data-binary @- \
        --output "$base.answer.json" --write-out '%{http_code}' "$PROVISION_URL"
  )
  if [ "$status" != 200 ]; then
    echo "error: $thing was refused: $status $(jq -r .message "$base.answer.json")" >&2
    exit 1
  fi

  # 4. Keep the answer; the file that says "provisioned" comes last, whole.
  jq -r .certificatePem "$base.answer.json" >"$base.device.cert.pem"
  jq -r '.endpointAddress + "::" + .region' "$base.answer.json" >"$base.endpoint.next"
  mv "$base.endpoint.next" "$base.endpoint"
fi

# 5. Connect to the region and publish: mutual TLS, the client id is the thing name.
endpoint=$(cut -d: -f1 "$base.endpoint")
mosquitto_pub -h "$endpoint" -p 8883 --cafile "$CA_FILE" \
  --cert "$base.device.cert.pem" --key "$base.device.key.pem" \
  -i "$thing" -q 1 -t "data/$thing/misc" -m "{\"thing-name\": \"$thing\"}"
echo "$thing published at $endpoint"
