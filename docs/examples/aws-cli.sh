#!/usr/bin/env bash
# The seed's own AWS CLI commands, and what an operator looks at afterwards, in every region.
source "$(dirname "$0")/local.sh"

for i in 1 2 3 4 5 6 7 8 9 10; do
  aws_in "$table_region" dynamodb put-item --table-name "$table" \
    --item "{\"prov_status\": {\"S\": \"unprovisioned\"}, \"thing_name\": {\"S\": \"mydevice$i\"}}"
done
scanned=$(aws_in "$table_region" dynamodb scan --table-name "$table" |
  jq '[.Items[] | select(.thing_name.S | startswith("mydevice"))] | length')
same 'the number of devices in the table' "$scanned" 10

FROM=133.11.0.1 "$examples/device.sh" mydevice3
region=ap-northeast-1

item=$(aws_in "$table_region" dynamodb get-item --table-name "$table" \
  --key '{"thing_name": {"S": "mydevice3"}}')
same prov_status "$(jq -r .Item.prov_status.S <<<"$item")" provisioned
same aws_region "$(jq -r .Item.aws_region.S <<<"$item")" "$region"
jq -r .Item.prov_datetime.S <<<"$item" | grep -Eq '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$'
id=$(jq -r .Item.certificate_id.S <<<"$item")
arn=arn:aws:iot:$region:$account:cert/$id
same 'the certificate id' "$id" \
  "$(openssl x509 -in "$folder/mydevice3.device.cert.pem" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)"

same thingName "$(aws_in $region iot describe-thing --thing-name mydevice3 | jq -r .thingName)" mydevice3
same principals "$(aws_in $region iot list-thing-principals --thing-name mydevice3 | jq -r '.principals[]')" "$arn"
same 'the certificate' "$(aws_in $region iot describe-certificate --certificate-id "$id" |
  jq -r '.certificateDescription.status')" ACTIVE
same policies "$(aws_in $region iot list-attached-policies --target "$arn" | jq -r '.policies[].policyName')" LandfallDevice

# Each region has its own endpoint, and knows nothing of the others' devices.
for each in $(local_value '.regions[].region'); do
  same "the endpoint in $each" "$(aws_in "$each" iot describe-endpoint --endpoint-type iot:Data-ATS |
    jq -r .endpointAddress)" "$(endpoint_of "$each")"
  if [ "$each" != $region ]; then
    refused_as ResourceNotFoundException aws_in "$each" iot describe-thing --thing-name mydevice3
    refused_as ResourceNotFoundException aws_in "$each" iot describe-certificate --certificate-id "$id"
  fi
done

# Let in anew by hand: the device may ask with another key, lands where it is now, and the old
# certificate is out of service before the new one is committed.
aws_in "$table_region" dynamodb update-item --table-name "$table" \
  --key '{"thing_name": {"S": "mydevice3"}}' \
  --update-expression 'SET prov_status = :free' --condition-expression 'prov_status = :had' \
  --expression-attribute-values '{":free": {"S": "unprovisioned"}, ":had": {"S": "provisioned"}}'
rm "$folder/mydevice3."*
FROM=134.226.1.1 "$examples/device.sh" mydevice3
same 'the new region' "$(cut -d: -f3 "$folder/mydevice3.endpoint")" eu-west-1
same 'the old certificate' "$(aws_in $region iot describe-certificate --certificate-id "$id" |
  jq -r '.certificateDescription.status')" INACTIVE

# Nobody else's keys are taken.
AWS_SECRET_ACCESS_KEY=wrong refused_as 'SignatureDoesNotMatch|InvalidSignature|signature' aws_in $region iot list-things
