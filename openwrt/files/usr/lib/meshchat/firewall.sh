#!/bin/sh
# shellcheck shell=dash
# Opens the mesh port in the firewall zones of cjdns and Yggdrasil, which refuse all input by default. Of a zone's rule that is
# there already only the port is kept up to date: to close it again, set the rule's option enabled to 0.
#   firewall.sh          adds what is missing, follows option port
#   firewall.sh remove   takes the rules away

zone_name() {
	local index=0 name network
	while name="$(uci -q get "firewall.@zone[$index].name")"; do
		network=" $(uci -q get "firewall.@zone[$index].network") "
		case "$name" in cjdns | yggdrasil) echo "$name" ;; *) is_mesh_network "$network" && echo "$name" ;; esac
		index=$((index + 1))
	done
}

# Whether all networks of a zone are Yggdrasil's.
is_mesh_network() {
	local network found=1
	for network in $1; do
		[ "$(uci -q get "network.$network.proto")" = yggdrasil ] || return 1
		found=0
	done
	return $found
}

add_rule() {
	local rule="meshchat_$1" open
	if open="$(uci -q get "firewall.$rule.dest_port")"; then
		case "$open" in "$port" | *[!0-9]*) return ;; esac
		uci set "firewall.$rule.dest_port=$port"
		changed=1
		return
	fi
	uci -q batch <<-RULE
		set firewall.$rule=rule
		set firewall.$rule.name='Allow-meshchat-$1'
		set firewall.$rule.src='$1'
		set firewall.$rule.family='ipv6'
		set firewall.$rule.proto='udp'
		set firewall.$rule.dest_port='$port'
		set firewall.$rule.target='ACCEPT'
	RULE
	changed=1
}

changed=
if [ "$1" = remove ]; then
	for rule in $(uci -q show firewall | sed -n 's/^firewall\.\(meshchat_[^.=]*\)=rule$/\1/p'); do
		uci -q delete "firewall.$rule" && changed=1
	done
else
	port="$(uci -q get meshchat.main.port)"
	port="${port:-14627}"
	for zone in $(zone_name); do
		case "$zone" in *[!A-Za-z0-9_]*) ;; *) add_rule "$zone" ;; esac
	done
fi
[ -n "$changed" ] || exit 0
uci commit firewall
[ -x /etc/init.d/firewall ] && /etc/init.d/firewall reload >/dev/null 2>&1
exit 0
