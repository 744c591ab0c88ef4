#!/usr/bin/env bash
# The edge alone: another one beside the running one, over the same AWS endpoint and tables, with the
# configuration file of docs/configuration.md's form and the SDK's standard variables. SIGTERM ends it.
source "$(dirname "$0")/local.sh"

jq '.listen.port = 0 | .logLevel = "info"' "$(local_value .edgeConfigFile)" >"$folder/edge.json"
(cd "$examples/../.." && AWS_ENDPOINT_URL=$aws_endpoint exec npm run --silent edge -- --config "$folder/edge.json") >"$folder/log" 2>&1 &
edge=$!
at_end() {
  kill "$edge" 2>/dev/null || true
  rm -rf "$folder"
}
url=
for _ in $(seq 150); do
  url=$(jq -rR 'fromjson? | select(.msg == "listening") | .url' "$folder/log")
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || fail "the edge isn't ready after 15 s: $(tail -n 3 "$folder/log")"

status=$(curl --silent --output "$folder/health" --write-out '%{http_code}' "$url/healthz")
same 'the status of /healthz' "$status" 200
same 'the table' "$(jq -r .allowList "$folder/health")" ok

allow lamp-edge
PROVISION_URL=$url/device-provisioning FROM=149.171.1.1 "$examples/device.sh" lamp-edge
same 'the region' "$(cut -d: -f3 "$folder/lamp-edge.endpoint")" ap-southeast-2

# One JSON object a line, with CloudWatch's metrics in it, and nothing that is secret.
line=$(jq -cR 'fromjson? | select(.thingName == "lamp-edge")' "$folder/log")
same 'the outcome in the log' "$(jq -r .outcome <<<"$line")" provisioned
same 'the namespace of the metrics' "$(jq -r '._aws.CloudWatchMetrics[0].Namespace' <<<"$line")" Landfall
if grep -qE 'PRIVATE KEY|BEGIN CERTIFICATE|thing-name-sig' "$folder/log"; then fail 'the log holds what it must not'; fi

kill "$edge"
wait "$edge" || fail "the edge ended with exit code $?"
