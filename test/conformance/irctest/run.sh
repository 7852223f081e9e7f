#!/bin/sh
# Runs irctest against the IRC server: IRCTEST=folder of irctest, PYTHON=python3 that has its requirements.
#   run.sh core | local-ops | modern | MODULE…      MESHCHAT_NODES=2 CONTROLLER=spread: clients spread over nodes
set -e
[ -d "$IRCTEST/irctest" ] || {
  echo 'irctest: skipped, IRCTEST does not name a folder of irctest (github: progval/irctest)'
  exit 0
}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
MESHCHAT_HARNESS=$root/build/irc-harness.mjs
TMPDIR=$(mktemp -d)
PYTHONPATH=$here:$IRCTEST
export MESHCHAT_HARNESS TMPDIR PYTHONPATH
"$root/node_modules/.bin/esbuild" --bundle --format=esm --platform=node --target=es2022 \
  "$root/test/e2e/irc-harness.ts" "--outfile=$MESHCHAT_HARNESS" --log-level=warning
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
exec "${PYTHON:-python3}" -m pytest --controller "${CONTROLLER:-meshchat}" $files -q --no-header -p no:cacheprovider \
  -m 'not implementation-specific and not deprecated and not strict'
