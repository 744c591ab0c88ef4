# Sourced by the examples: what a running `landfall local` wrote into its local.json ($1), as
# variables, and how an example checks what it claims.
set -euo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
local_json=${1:?usage: $(basename "$0") LOCAL_JSON, the local.json of a running landfall local}
local_value() { jq --exit-status --raw-output "$1" "$local_json"; }

# For device.sh.
PROVISION_URL=$(local_value .provisionUrl)
SIGNING_KEY=$(local_value .signingKeyFile)
CA_FILE=$(local_value .caFile)
export PROVISION_URL SIGNING_KEY CA_FILE

# For the AWS CLI, as the operator, and nobody's own settings.
AWS_ACCESS_KEY_ID=$(local_value .accessKeyId)
AWS_SECRET_ACCESS_KEY=$(local_value .secretAccessKey)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_PAGER=
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL
aws_endpoint=$(local_value .awsEndpointUrl)
account=$(local_value .accountId)
table=$(local_value .allowListTable)
table_region=$(local_value .dynamodbRegion)
# aws_in REGION SERVICE COMMAND …
aws_in() { aws --endpoint-url "$aws_endpoint" --region "$1" --output json "${@:2}"; }
endpoint_of() { local_value ".regions[] | select(.region == \"$1\") | .endpointAddress"; }
# allow NAME …: rows as the seed writes them.
allow() {
  for name in "$@"; do
    aws_in "$table_region" dynamodb put-item --table-name "$table" \
      --item "{\"prov_status\": {\"S\": \"unprovisioned\"}, \"thing_name\": {\"S\": \"$name\"}}"
  done
}

# long_ago NAME: as if it had been provisioned last year, so that no answer can have just been lost.
long_ago() {
  aws_in "$table_region" dynamodb update-item --table-name "$table" \
    --key "{\"thing_name\": {\"S\": \"$1\"}}" --update-expression 'SET prov_datetime = :then' \
    --condition-expression 'prov_status = :had' \
    --expression-attribute-values '{":then": {"S": "2025-01-01T00:00:00"}, ":had": {"S": "provisioned"}}'
}

fail() {
  echo "error: $*" >&2
  exit 1
}
# same WHAT ACTUAL EXPECTED
same() { [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"; }
# refused_as PATTERN COMMAND …: the command must fail, or say so, with a message like that.
refused_as() {
  local said code=0
  said=$("${@:2}" 2>&1) || code=$?
  grep -Eq "$1" <<<"$said" || fail "expected a refusal like '$1' of: ${*:2}; exit $code: $said"
}

folder=$(mktemp -d)
export FOLDER=$folder
at_end() { rm -rf "$folder"; }
trap at_end EXIT
