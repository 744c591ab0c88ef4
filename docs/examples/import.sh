#!/usr/bin/env bash
# Loading a fleet, as docs/operators.md has it: look first, load, load again, correct the rejects, change.
source "$(dirname "$0")/local.sh"
cd "$examples/../.."
pin_of() { npx landfall allow show "$1" --local "$local_json" --json | jq -r .regionPin; }
count() { jq -r ".$1" <<<"$said"; }
exits() {
  local code=0
  said=$("${@:2}") || code=$?
  same "the exit code of ${*:2}" "$code" "$1"
}

cat >"$folder/fleet.csv" <<'CSV'
thing_name,product,region_pin,attributes
kettle-1,,,"{""plan"":""gold""}"
kettle-2,default,eu-central-1,
kettle 3,,,
kettle-1,,,
CSV

exits 3 npx landfall allow import "$folder/fleet.csv" --local "$local_json" --dry-run --json
same 'rows that a dry run would reject' "$(count rejected)" 2
refused_as 'not in the allow-list' npx landfall allow show kettle-1 --local "$local_json"

exits 3 npx landfall allow import "$folder/fleet.csv" --local "$local_json" --json
same 'added' "$(count added)" 2
same 'rejected: no thing name, and a name that came before' "$(count rejected)" 2
sed -i 's/,kettle 3,/,kettle-3,/' "$folder/fleet.rejects.csv"
exits 0 npx landfall allow import "$folder/fleet.rejects.csv" --local "$local_json" --json
same 'added of the rejects' "$(count added)" 1

npx landfall device --thing kettle-2 --local "$local_json" --folder "$folder" --own-key --address 134.226.1.1 --count 1
gzip --keep "$folder/fleet.csv"
exits 3 npx landfall allow import - --local "$local_json" --rejects "$folder/again.csv" --json < <(zcat "$folder/fleet.csv.gz")
same 'added the second time' "$(count added)" 0

for name in kettle-1 kettle-2; do
  echo "{\"thing_name\": \"$name\", \"region_pin\": \"us-east-1\"}"
done >"$folder/changes.ndjson"
exits 0 npx landfall allow import "$folder/changes.ndjson" --local "$local_json" --update --json
same 'changed, and left as they are' "$(count amended) $(count kept)" '1 1'
same 'the pin of kettle-1' "$(pin_of kettle-1)" us-east-1
same 'the pin of kettle-2, which is provisioned' "$(pin_of kettle-2)" eu-central-1

refused_as 'no device record can be given: "owner"' npx landfall allow import - --local "$local_json" <<<'thing_name,owner'
