#!/bin/sh
# A program for a group with nothing but the stock `ubus` of OpenWrt: answers "ping" with the name of its router.
#   answer.sh GROUP [SOCKET]      without SOCKET: on the system's bus
group=${1:?group}
bus="ubus -S ${2:+-s $2}"
object="meshchat.group.$group"

$bus call meshchat.groups join "{\"name\":\"$group\",\"persist\":true}" >/dev/null || exit
$bus subscribe "$object" | while read -r notification; do
  case $notification in
    *'"message"'*'"text":"ping"'*)
      $bus call "$object" publish "{\"text\":\"pong from $(uname -n)\"}" >/dev/null ;;
  esac
done
