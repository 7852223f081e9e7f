#!/bin/sh
# Sends the load of this machine as a datagram every few seconds: what gets lost is not missed, the next one is newer.
#   sensor.sh GROUP [SECONDS]            to look at it:  meshchat sub --delivery datagram GROUP
group=${1:?group}
meshchat join --delivery datagram "$group" || exit
while read -r load _ < /proc/loadavg; do
  meshchat datagram "$group" "$(uname -n) load $load"
  sleep "${2:-10}"
done
