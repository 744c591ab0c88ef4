#!/usr/bin/env bash
# Every check of docs/contract.md that a request can provoke by itself, with curl, in the contract's order.
source "$(dirname "$0")/local.sh"

sign() { printf %s "$1" | openssl dgst -sha256 -sign "$SIGNING_KEY" | openssl base64 -A; }
# answers STATUS MESSAGE CURL-ARGUMENTS …: what was sent stays out of what is said, it may be signed.
answers() {
  local got
  got=$(curl --silent --show-error --output "$folder/answer" --write-out '%{http_code}' "${@:3}" "$PROVISION_URL")
  same "the answer to what should get '$1 $2'" "$got $(jq -r .message "$folder/answer")" "$1 $2"
}

signature=$(sign nobody)
head -c 17000 /dev/zero | tr '\0' ' ' >"$folder/long"
answers 413 'request too large' --data-binary "@$folder/long"
answers 400 'invalid request' --data 'thing-name=nobody'
answers 400 'invalid request' --data '[]'
answers 400 'no thing name' --data '{}'
answers 400 'invalid thing-name' --data '{"thing-name": 7}'
answers 400 'invalid thing-name' --data '{"thing-name": "no spaces"}'
answers 400 'no sig' --data '{"thing-name": "nobody"}'
answers 400 'invalid thing-name-sig' --data '{"thing-name": "nobody", "thing-name-sig": null}'
answers 401 'wrong sig' --data '{"thing-name": "nobody", "thing-name-sig": "not base64!"}'
answers 401 'wrong sig' --data "{\"thing-name\": \"somebody\", \"thing-name-sig\": \"$signature\"}"
signed="\"thing-name\": \"nobody\", \"thing-name-sig\": \"$signature\""
answers 400 'invalid CSR: not PEM' --data "{$signed, \"CSR\": \"garbage\"}"
answers 403 'you not' --data "{$signed}"
answers 405 'method not allowed' --request GET
PROVISION_URL=$PROVISION_URL/elsewhere answers 404 'not found' --request POST

# Without a CSR AWS IoT makes the key, and gives it once; an address without a place means the default region.
allow lamp-keyless
request="{\"thing-name\": \"lamp-keyless\", \"thing-name-sig\": \"$(sign lamp-keyless)\"}"
answers 200 'no latitude or longitude for IP 127.0.0.1, using default region eu-west-1' --data "$request"
jq -r .PrivateKey "$folder/answer" | openssl rsa -check -noout
first=$(jq -r .certificatePem "$folder/answer")

# Was the answer lost? Then soon asking again gives a new key and certificate; later it is refused.
answers 200 'no latitude or longitude for IP 127.0.0.1, using default region eu-west-1' --data "$request"
[ "$(jq -r .certificatePem "$folder/answer")" != "$first" ] || fail 'the certificate is the old one'
long_ago lamp-keyless
answers 403 'you not' --data "$request"
