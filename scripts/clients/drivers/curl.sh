#!/bin/sh
# Reads an event stream with curl and prints each event as a line of JSON: `curl.sh OPTIONS URL`.
# $1: further options of curl, or empty.
last=''
state=$(mktemp)
trap 'rm -f "$state"' EXIT
while :; do
  # shellcheck disable=SC2086
  curl -sN $1 -H "Last-Event-ID: $last" "$2" | while IFS= read -r line; do
    case $line in
      'id: '*) id=${line#id: } && printf '%s' "$id" >"$state" ;;
      'event: '*) kind=${line#event: } ;;
      'data: '*) [ "$kind" = goal ] && printf '{"raw":%s}\n' "${line#data: }" ;;
      '') kind='' ;;
    esac
  done
  last=$(cat "$state")
  sleep 0.3
done
