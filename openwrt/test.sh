#!/bin/sh
# $1: package, $2: its version. The default configuration must be one that the daemon takes.

case "$1" in
meshchat)
	meshchatd --check --config /etc/config/meshchat || exit 1
	printf "config meshchat 'main'\n\toption port '70000'\n" >/tmp/meshchat-bad
	meshchatd --check --config /tmp/meshchat-bad 2>&1 | grep "option port" || exit 1
	;;
esac
