#!/usr/bin/env bash
# A whole device by the Landfall contract, out of openssl, curl, jq and mosquitto_pub (docs/device.md
# explains each step).
#
#   LANDFALL_URL=…/v1/provision AUDIENCE=… CA_FILE=ca.pem device-landfall.sh THING
#
# AUDIENCE     the deployment's name
# CA_FILE      the authority of the MQTT endpoint (on AWS: Amazon's root certificates)
# ROUTER_KEYS  the router's public keys (a JWK Set) as the factory knew them; default: ask for them
# FOLDER       where the device keeps its files; default: here
# FROM         an address to pretend to be at; only edges that trust this machine as a proxy listen
# NO_CLOCK     set: date requests by a nonce
# NOW          seconds since 1970, to pretend that it is another time
#
# The factory left THING.signing.key.pem in the folder (EC P-256), and its public half in the allow-list.
set -euo pipefail
umask 077

thing=${1:?usage: device-landfall.sh THING}
: "${LANDFALL_URL:?}" "${AUDIENCE:?}" "${CA_FILE:?}"
base=${FOLDER:-.}/$thing
fail() {
  echo "error: $*" >&2
  exit 1
}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
from_base64url() {
  local text
  text=$(tr -- '-_' '+/')
  while [ $((${#text} % 4)) -ne 0 ]; do text+==; done
  openssl base64 -d -A <<<"$text"
}
to_hex() { od -An -v -tx1 | tr -d ' \n'; }
from_hex() { printf '%b' "$(sed 's/../\\x&/g')"; }
header_of() { touch "$base.headers" && tr -d '\r' <"$base.headers" | sed -n "s/^$1: *//Ip" | tail -n 1; }
ask() {
  rm -f "$base.headers" "$base.answer.json"
  curl --silent --show-error --max-time 35 ${FROM:+--header "X-Forwarded-For: $FROM"} \
    --dump-header "$base.headers" --output "$base.answer.json" --write-out '%{http_code}' "$@" || true
}

# ES256 (RFC 7518 section 3.4) wants r and s, 32 bytes each; openssl makes a DER sequence of them.
sign_es256() {
  openssl dgst -sha256 -sign "$1" | openssl asn1parse -inform DER |
    sed -n 's/.*INTEGER *://p' | while read -r integer; do printf '%64s' "$integer"; done |
    tr ' ' 0 | from_hex | base64url
}

# verify_es256 JWK JWS: whether this public key made the signature.
verify_es256() {
  local point signature
  point=$(jq -r '.x, .y' <<<"$1" | while read -r it; do from_base64url <<<"$it" | to_hex; done)
  # SubjectPublicKeyInfo of P-256 (RFC 5480), up to the point.
  from_hex <<<"3059301306072a8648ce3d020106082a8648ce3d03010703420004$point" |
    openssl pkey -pubin -inform DER -out "$base.router.pem"
  signature=$(cut -d. -f3 <<<"$2" | from_base64url | to_hex)
  [ ${#signature} -eq 128 ] || return 1
  printf 'asn1=SEQUENCE:sig\n[sig]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' \
    "${signature:0:64}" "${signature:64}" >"$base.signature.conf"
  openssl asn1parse -genconf "$base.signature.conf" -noout -out "$base.signature"
  printf %s "${2%.*}" | openssl dgst -sha256 -verify "$base.router.pem" -signature "$base.signature" >/dev/null
}

# 1. The key of its identity, once, and a CSR. Both stay: asking again gives the same certificate.
if [ ! -s "$base.device.csr.der" ]; then
  openssl ecparam -name prime256v1 -genkey -noout -out "$base.device.key.pem"
  openssl req -new -key "$base.device.key.pem" -subj "/CN=$thing" -outform DER -out "$base.device.csr.der"
fi

if [ ! -s "$base.endpoint" ]; then
  # 2. A request: dated, for this deployment, signed anew each time. A random pause first, as many devices
  #    may be switched on at once.
  sleep "0.$(shuf -i 100-999 -n 1)"
  header=$(printf '{"alg":"ES256"}' | base64url)
  csr=$(base64url <"$base.device.csr.der")
  nonce=
  for try in 1 2 3 4 5 6 7 8; do
    if [ -n "${NO_CLOCK:-}" ] && [ -z "$nonce" ]; then
      ask "${LANDFALL_URL%/*}/nonce" >/dev/null
      nonce=$(header_of Replay-Nonce)
    fi
    payload=$(jq -cn --arg sub "$thing" --arg aud "$AUDIENCE" --arg csr "$csr" \
      --arg nonce "$nonce" --argjson now "${NOW:-$(jq -n now)}" \
      '{$sub, $aud, $csr} + if $nonce == "" then {iat: $now} else {$nonce} end' | base64url)
    signature=$(printf %s "$header.$payload" | sign_es256 "$base.signing.key.pem")

    # 3. Ask.
    status=$(ask --header 'Content-Type: application/jose' --data "$header.$payload.$signature" "$LANDFALL_URL")
    problem=$(jq -r '.type // empty | sub(".*/"; "")' "$base.answer.json" 2>/dev/null || true)
    nonce=
    case $status in
      200) break ;;
      # No answer, or not now: wait as long as the edge says, and a random part.
      000 | 429 | 5??)
        pause=$(header_of Retry-After)
        sleep "${pause:-$try}.$(shuf -i 100-999 -n 1)"
        ;;
      # The clock is wrong, or this very request had its answer: at once, with the nonce that came along.
      400) [ "$problem" = stale-request ] && nonce=$(header_of Replay-Nonce) || break ;;
      *) break ;;
    esac
  done
  [ "$status" = 200 ] || fail "$thing was refused: $status $problem: $(jq -r .detail "$base.answer.json" || true)"

  # 4. Is the answer the router's, for this device and this key? The receipt and the certificate say so.
  answer() { jq -r ".$1" "$base.answer.json"; }
  receipt=$(answer receipt)
  kid=$(cut -d. -f1 <<<"$receipt" | from_base64url | jq -r .kid)
  keys=$(cat "${ROUTER_KEYS:-/dev/null}")
  [ -n "$keys" ] || keys=$(curl --silent --show-error --fail "${LANDFALL_URL%/*}/jwks")
  key=$(jq -c --arg kid "$kid" '.keys[] | select(.kid == $kid)' <<<"$keys")
  [ -n "$key" ] || fail "the receipt is signed by none of the router's keys"
  verify_es256 "$key" "$receipt" || fail 'the signature of the receipt does not verify'
  cut -d. -f2 <<<"$receipt" | from_base64url >"$base.receipt.json"
  jq --exit-status --arg aud "$AUDIENCE" --arg sub "$thing" --slurpfile answer "$base.answer.json" \
    '.iss == $aud and .sub == $sub and .certificateId == $answer[0].certificateId
      and .region == $answer[0].region and .endpointAddress == $answer[0].endpointAddress' \
    "$base.receipt.json" >/dev/null || fail 'the receipt is for something else than this answer'
  answer certificatePem >"$base.device.cert.pem.next"
  id=$(openssl x509 -in "$base.device.cert.pem.next" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)
  [ "$id" = "$(answer certificateId)" ] || fail 'the certificate is another one'
  [ "$(openssl x509 -in "$base.device.cert.pem.next" -noout -pubkey)" = \
    "$(openssl pkey -in "$base.device.key.pem" -pubout)" ] || fail 'the certificate is for another key'

  # 5. Keep the answer; the file that says "provisioned" comes last, whole.
  printf %s "$receipt" >"$base.receipt.jws"
  mv "$base.device.cert.pem.next" "$base.device.cert.pem"
  jq -r '.endpointAddress + "::" + .region' "$base.answer.json" >"$base.endpoint.next"
  mv "$base.endpoint.next" "$base.endpoint"
fi

# 6. Connect to the region and publish: mutual TLS, the client id is the thing name.
endpoint=$(cut -d: -f1 "$base.endpoint")
mosquitto_pub -h "$endpoint" -p 8883 --cafile "$CA_FILE" \
  --cert "$base.device.cert.pem" --key "$base.device.key.pem" \
  -i "$thing" -q 1 -t "data/$thing/misc" -m "{\"thing-name\": \"$thing\"}"
echo "$thing published at $endpoint"
