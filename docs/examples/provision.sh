#!/usr/bin/env bash
# The device of docs/device.md, from two places: each lands in its region, with a certificate of the
# authority that carries its own key, and asking again with the same CSR gives the same certificate.
source "$(dirname "$0")/local.sh"

allow lamp-tokyo lamp-dublin
FROM=133.11.0.1 "$examples/device.sh" lamp-tokyo
FROM=134.226.1.1 "$examples/device.sh" lamp-dublin
same 'the region of lamp-tokyo' "$(cut -d: -f3 "$folder/lamp-tokyo.endpoint")" ap-northeast-1
same 'the region of lamp-dublin' "$(cut -d: -f3 "$folder/lamp-dublin.endpoint")" eu-west-1
same 'the mode of the key' "$(stat -c %a "$folder/lamp-tokyo.device.key.pem")" 600

certificate=$folder/lamp-tokyo.device.cert.pem
openssl verify -CAfile "$CA_FILE" -purpose sslclient "$certificate"
same 'the key in the certificate' \
  "$(openssl x509 -in "$certificate" -noout -pubkey)" \
  "$(openssl req -in "$folder/lamp-tokyo.device.csr.pem" -noout -pubkey)"

# The answer was lost, say: the device asks again, from elsewhere even.
cp "$certificate" "$folder/first.pem"
rm "$folder/lamp-tokyo.endpoint" "$certificate"
FROM=134.226.1.1 "$examples/device.sh" lamp-tokyo
cmp "$folder/first.pem" "$certificate"

# With another key the name is taken, once the time for lost answers has passed.
long_ago lamp-tokyo
rm "$folder/lamp-tokyo."*
refused_as '403 you not' "$examples/device.sh" lamp-tokyo
