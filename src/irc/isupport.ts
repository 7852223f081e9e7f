/** RPL_ISUPPORT (005): what this server is like, in lines of at most 13 tokens. */
import type { Ircd } from './ircd.ts';
import {
  AWAY_BYTES_MAX, CHANNEL_BYTES_MAX, CHANNELS_PER_USER_MAX, KEY_LENGTH_MAX, NICK_LENGTH_MAX, REASON_BYTES_MAX,
  TOPIC_BYTES_MAX, USER_LENGTH_MAX,
} from './names.ts';

export const CHATHISTORY_MAX = 200;
export const MONITOR_MAX = 100;
export const LIST_ENTRIES_MAX = 60;
/** People and channels that one message is for. */
export const TARGETS_MAX = 20;
export const MODES_MAX = 12;
const TOKENS_PER_LINE = 13;

export function isupport(ircd: Ircd): string[][] {
  const tokens = [
    `AWAYLEN=${AWAY_BYTES_MAX}`, 'BOT=B', 'CASEMAPPING=ascii', `CHANLIMIT=#:${CHANNELS_PER_USER_MAX}`,
    'CHANMODES=Ibe,k,l,Cimnst', `CHANNELLEN=${CHANNEL_BYTES_MAX}`, 'CHANTYPES=#', `CHATHISTORY=${CHATHISTORY_MAX}`,
    'ELIST=CMNTU', 'EXCEPTS=e', 'INVEX=I', `KEYLEN=${KEY_LENGTH_MAX}`, `KICKLEN=${REASON_BYTES_MAX}`,
    `MAXLIST=Ibe:${LIST_ENTRIES_MAX}`, `MODES=${MODES_MAX}`, `MONITOR=${MONITOR_MAX}`, 'MSGREFTYPES=msgid,timestamp',
    `NETWORK=${ircd.options.networkName.replace(/[^!-~]/g, '_')}`, `NICKLEN=${NICK_LENGTH_MAX}`, 'PREFIX=(ov)@+',
    'SAFELIST', 'STATUSMSG=@+',
    `TARGMAX=JOIN:,KICK:,LIST:,MONITOR:${MONITOR_MAX},NAMES:,NOTICE:${TARGETS_MAX},PART:,PRIVMSG:${TARGETS_MAX},` +
      `TAGMSG:${TARGETS_MAX},WHOIS:1`,
    `TOPICLEN=${TOPIC_BYTES_MAX}`, `USERLEN=${USER_LENGTH_MAX}`, 'UTF8ONLY', 'WHOX',
  ];
  const lines: string[][] = [];
  for (let i = 0; i < tokens.length; i += TOKENS_PER_LINE) lines.push(tokens.slice(i, i + TOKENS_PER_LINE));
  return lines;
}
