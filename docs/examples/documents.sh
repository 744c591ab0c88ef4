#!/usr/bin/env bash
# The commands of docs/device.md and of the README's "A device in any language", as they stand there.
source "$(dirname "$0")/local.sh"

root=$(cd "$examples/../.." && pwd)
export PATH=$root/node_modules/.bin:$PATH
# npx finds `landfall` in the checkout only; the documents' commands run in a folder of their own.
npx() { shift; node "$root/app/cli/main.js" "$@"; }

# commands FILE HEADING: the sh blocks below a heading of a document, up to the next of its level.
commands() {
  awk -v heading="$2" '
    !fenced && /^#+ / { level = match($0, / /); if ($0 == heading) { inside = level; next }
                        if (inside && level <= inside) inside = 0 }
    /^```sh/ { fenced = 1; next }
    /^```/ { fenced = 0; next }
    fenced && inside' "$root/$1"
}

# in_folder FILE HEADING REGION: runs them in a new folder beside a running landfall local.
in_folder() {
  local there=$folder/$3
  mkdir -p "$there/.landfall"
  ln -s "$(dirname "$local_json")" "$there/.landfall/local"
  commands "$1" "$2" >"$there/commands"
  [ -s "$there/commands" ] || fail "$1 has no commands under '$2'"
  (cd "$there" && source ./commands)
  same "the region of $1's device" "$(jq -r .region "$there/answer.json")" "$3"
}

in_folder docs/device.md '## By the Landfall contract' ap-southeast-2
in_folder docs/device.md '## By the seed contract' ap-northeast-1
in_folder README.md '## A device in any language' sa-east-1
