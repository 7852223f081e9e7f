#!/bin/sh
# Runs irctest against daemons (MESHCHAT_DIST, else dist/): IRCTEST=folder of irctest, PYTHON=python3 with its requirements.
#   run.sh core | local-ops | modern | MODULE…      NODES=2: clients spread over so many nodes of one mesh
#   PYTEST_ADDOPTS as ever, such as "-n 4"; TJS=… or MESHCHAT_RUNTIME=node decide what the daemons run on
set -e
[ -d "$IRCTEST/irctest" ] || {
  echo 'irctest: skipped, IRCTEST does not name a folder of irctest (github: progval/irctest)'
  exit 0
}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
MESHCHAT_DIST=${MESHCHAT_DIST:-$root/dist}
MESHCHAT_NODES=${NODES:-1}
TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
PYTHONPATH=$here:$IRCTEST
export MESHCHAT_DIST MESHCHAT_NODES TMPDIR PYTHONPATH
controller=meshchat
[ "$MESHCHAT_NODES" = 1 ] || controller=spread
core='connection_registration buffering cap pingpong quit join part names messages topic list lusers isupport away info time
  who whois multi_prefix regressions utf8 help chmodes/modeis chmodes/secret chmodes/no_external'
local_ops='kick invite statusmsg chmodes/operator chmodes/key chmodes/limit chmodes/moderated chmodes/no_ctcp chmodes/ban'
modern='echo_message message_tags labeled_responses away_notify setname extended_join monitor bot_mode chathistory read_marker
  multiline redact websocket whowas account_tag sasl'
case ${1:-core} in
  core) modules=$core ;;
  local-ops) modules=$local_ops ;;
  modern) modules=$modern ;;
  *) modules=$* ;;
esac
files=
for module in $modules; do files="$files irctest/server_tests/$module.py"; done
cd "$IRCTEST"
# shellcheck disable=SC2086
"${PYTHON:-python3}" -m pytest --controller "$controller" $files -q --no-header -p no:cacheprovider \
  -m 'not implementation-specific and not deprecated and not strict'
