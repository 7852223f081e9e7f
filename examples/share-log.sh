#!/bin/sh
# Publishes every new line of a file to a group: whoever runs `meshchat sub GROUP` sees them, wherever on the mesh.
#   share-log.sh /var/log/messages logs/kitchen
file=${1:?file}
group=${2:?group}
tail -n 0 -F "$file" | meshchat pub "$group"
