/** Which channels there are and who is in them: LIST, NAMES. */
import { CAP_MULTI_PREFIX, CAP_USERHOST_IN_NAMES } from './capabilities.ts';
import { statusPrefix } from './channel.ts';
import type { Channel } from './channel.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { fold, isChannel, matches } from './names.ts';
import * as numeric from './numerics.ts';
import { safeParam } from './replies.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';

const NAMES_LINE_BYTES = 350;

export function replyNames(session: Session, channel: Channel): void {
  listNames(session, channel);
  session.reply(numeric.RPL_ENDOFNAMES, channel.name, 'End of /NAMES list');
}

function listNames(session: Session, channel: Channel): void {
  const user = session.user as User;
  const symbol = channel.flags.has('s') ? '@' : '=';
  const inside = channel.members.has(user);
  const long = session.has(CAP_USERHOST_IN_NAMES);
  const all = session.has(CAP_MULTI_PREFIX);
  let text = '';
  // By hand: a thousand clients that come to one channel are told a million names. All of them are ASCII.
  channel.members.forEach((state, member) => {
    if (!inside && member.hidden) return;
    const name = statusPrefix(state, all) + (long ? member.prefix : member.shown);
    if (text !== '' && text.length + name.length >= NAMES_LINE_BYTES) {
      session.reply(numeric.RPL_NAMREPLY, symbol, channel.name, text);
      text = '';
    }
    text += text === '' ? name : ` ${name}`;
  });
  if (text !== '') session.reply(numeric.RPL_NAMREPLY, symbol, channel.name, text);
}

function handleNames(ircd: Ircd, session: Session, line: Line, user: User): void {
  const names = line.params[0];
  if (names === undefined) return session.reply(numeric.RPL_ENDOFNAMES, '*', 'End of /NAMES list');
  for (const name of new Set(names.split(','))) {
    const channel = ircd.network.channels.get(fold(name));
    if (channel !== undefined && channel.isVisible(user)) listNames(session, channel);
  }
  session.reply(numeric.RPL_ENDOFNAMES, safeParam(names), 'End of /NAMES list');
}

/** ELIST conditions: <n, >n users; C and T creation and topic age in minutes; masks and !masks. */
function listed(channel: Channel, condition: string, nowMs: number): boolean {
  const found = /^([CT]?)([<>])(\d+)$/i.exec(condition);
  if (found === null) {
    if (condition.startsWith('!')) return !matches(fold(condition.slice(1)), channel.key);
    return matches(fold(condition), channel.key);
  }
  const value = Number(found[3]);
  const kind = (found[1] as string).toUpperCase();
  if (kind === '') return found[2] === '<' ? channel.members.size < value : channel.members.size > value;
  const sinceMs = kind === 'C' ? channel.createdMs : channel.topic?.setMs;
  if (sinceMs === undefined) return false;
  const minutes = (nowMs - sinceMs) / 60_000;
  return found[2] === '<' ? minutes < value : minutes > value;
}

function handleList(ircd: Ircd, session: Session, line: Line, user: User): void {
  const conditions = (line.params[0] ?? '').split(',').filter((text) => text !== '');
  const names = conditions.filter((text) => isChannel(text) && !/[*?]/.test(text));
  const others = conditions.filter((text) => !names.includes(text));
  const nowMs = ircd.wallMs();
  session.reply(numeric.RPL_LISTSTART, 'Channel', 'Users  Name');
  for (const channel of ircd.network.channels.values()) {
    if (!channel.isVisible(user)) continue;
    if (names.length > 0 && !names.some((name) => fold(name) === channel.key)) continue;
    if (!others.every((condition) => listed(channel, condition, nowMs))) continue;
    session.reply(numeric.RPL_LIST, channel.name, String(channel.members.size), channel.topic?.text ?? '');
  }
  session.reply(numeric.RPL_LISTEND, 'End of /LIST');
}

export const listCommands: CommandTable = {
  NAMES: { usage: 'NAMES <channel>{,<channel>}', handle: handleNames },
  LIST: { usage: 'LIST [<channel, mask or condition>{,<…>}]', handle: handleList },
};
