#!/bin/sh
# $1: package, $2: its version. The programs must name it without a bus or a configuration.

case "$1" in
meshchat)
	meshchat --version 2>&1 | grep -F "$2" && meshchatd --version 2>&1 | grep -F "$2"
	;;
esac
