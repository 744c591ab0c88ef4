#!/usr/bin/env bash
# An unmodified MQTT client with the certificate that a device was given: what it may do in its
# region, seen by a subscriber there, and everything it may not.
source "$(dirname "$0")/local.sh"

region=eu-central-1
endpoint=$(endpoint_of $region)
allow door-1
FROM=141.2.1.1 "$examples/device.sh" door-1
same 'the region' "$(cut -d: -f3 "$folder/door-1.endpoint")" $region

# mqtt pub|sub HOST ARGUMENTS …: with the device's key and certificate.
mqtt() {
  timeout 20 "mosquitto_$1" -p 8883 --cafile "$CA_FILE" \
    --cert "$folder/door-1.device.cert.pem" --key "$folder/door-1.device.key.pem" -h "$2" "${@:3}"
}

# A subscriber of the operator's: a certificate whose policy may read everybody's data.
aws_in $region iot create-thing --thing-name door-watcher >/dev/null
aws_in $region iot create-policy --policy-name door-watcher --policy-document "$(
  jq -n --arg arn "arn:aws:iot:$region:$account" '{Version: "2012-10-17", Statement: [
    {Effect: "Allow", Action: "iot:Connect", Resource: ($arn + ":client/door-watcher")},
    {Effect: "Allow", Action: "iot:Subscribe", Resource: ($arn + ":topicfilter/*")},
    {Effect: "Allow", Action: "iot:Receive", Resource: ($arn + ":topic/*")}]}'
)" >/dev/null
aws_in $region iot create-keys-and-certificate --set-as-active >"$folder/watcher.json"
arn=$(jq -r .certificateArn "$folder/watcher.json")
aws_in $region iot attach-policy --policy-name door-watcher --target "$arn"
aws_in $region iot attach-thing-principal --thing-name door-watcher --principal "$arn"
jq -r .certificatePem "$folder/watcher.json" >"$folder/door-watcher.device.cert.pem"
(umask 077 && jq -r .keyPair.PrivateKey "$folder/watcher.json" >"$folder/door-watcher.device.key.pem")

stdbuf -oL mosquitto_sub -p 8883 --cafile "$CA_FILE" -h "$endpoint" -i door-watcher \
  --cert "$folder/door-watcher.device.cert.pem" --key "$folder/door-watcher.device.key.pem" \
  -q 1 -t '#' -v -d >"$folder/seen" &
watcher=$!
at_end() {
  kill "$watcher" 2>/dev/null || true
  rm -rf "$folder"
}
await_seen() {
  for _ in $(seq 100); do
    grep -q -- "$1" "$folder/seen" && return
    sleep 0.1
  done
  fail "the subscriber in $region never saw '$1'"
}
await_seen 'Subscribed'

publish() { mqtt pub "${host:-$endpoint}" -i "${client:-door-1}" -q 1 -t "$1" -m "$2"; }

publish data/door-1/misc open
await_seen 'data/door-1/misc open'

# Refused: another region, another name, topics that the policy doesn't grant.
host=$(endpoint_of ap-northeast-1) refused_as 'refused|not authorised|lost' publish data/door-1/misc wrong-region
client=door-2 refused_as 'refused|not authorised|lost' publish data/door-1/misc wrong-client
refused_as 'lost|refused' publish data/door-2/misc wrong-topic
refused_as 'lost|refused' publish doors wrong-topic
refused_as 'denied' mqtt sub "$endpoint" -i door-1 -t 'data/#' -W 5
refused_as 'denied' mqtt sub "$endpoint" -i door-1 -t '#' -W 5

# Refused: without a certificate, and with one that an operator took out of service.
refused_as 'rror' timeout 20 mosquitto_pub -p 8883 --cafile "$CA_FILE" -h "$endpoint" -i door-1 -t data/door-1/misc -m no-certificate
publish data/door-1/misc closed
await_seen 'data/door-1/misc closed'
id=$(openssl x509 -in "$folder/door-1.device.cert.pem" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)
aws_in $region iot update-certificate --certificate-id "$id" --new-status INACTIVE
refused_as 'refused|not authorised|lost' publish data/door-1/misc inactive

# Whatever was refused never reached anybody.
same 'what the subscriber saw' "$(grep -cE 'wrong-|no-certificate|inactive' "$folder/seen" || true)" 0
