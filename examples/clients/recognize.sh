#!/bin/sh
# What plays in a recording, by curl: recognize.sh song.ogg [http://127.0.0.1:8000]
# A token, where the server wants one, is in ORGANOLOGY_TOKEN.
set -eu
file=$1 server=${2:-http://127.0.0.1:8000}
api() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer ${ORGANOLOGY_TOKEN:-}" "$@"; }

# Short recordings are answered at once, in any format.
api --form "file=@$file" "$server/v1/recognitions?format=segments&wait=30"

# Long ones as jobs: 202 and a place to ask.
place=$(api --form "file=@$file" --output /dev/null --write-out '%header{location}' "$server/v1/recognitions?wait=0")
api --no-buffer "$server$place/events"       # progress, until it is done
api "$server$place?format=csv"               # the result
api --request DELETE "$server$place"         # the server may forget it
