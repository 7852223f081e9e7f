/**
 * MODE for channels and users. All of it holds on this node only: who is an operator here, and what he keeps out of
 * sight.
 */
import { toggle } from '../encoding/tables.ts';
import type { Channel, ListMode } from './channel.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import { LIST_ENTRIES_MAX, MODES_MAX } from './isupport.ts';
import type { Line } from './line.ts';
import { fold, fullMask, KEY_LENGTH_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { inSeconds, replyMissing, replyNoChannel, replyNoNick, replyNotIn, requireOp, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';

const FLAGS = 'Cimnst';
const LIST_REPLIES: Record<ListMode, [entry: number, end: number, name: string]> = {
  b: [numeric.RPL_BANLIST, numeric.RPL_ENDOFBANLIST, 'ban'],
  e: [numeric.RPL_EXCEPTLIST, numeric.RPL_ENDOFEXCEPTLIST, 'exception'],
  I: [numeric.RPL_INVEXLIST, numeric.RPL_ENDOFINVEXLIST, 'invite exception'],
};

interface Change {
  on: boolean;
  letter: string;
  param: string | undefined;
}

function handleMode(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [target, modes] = line.params as [string, string | undefined];
  if (!target.startsWith('#')) return userMode(ircd, session, target, modes);
  const channel = ircd.network.channels.get(fold(target));
  if (channel?.isVisible(user) !== true) return replyNoChannel(session, target);
  if (modes === undefined) {
    session.reply(numeric.RPL_CHANNELMODEIS, channel.name, ...channel.modeParams(channel.members.has(user)));
    return session.reply(numeric.RPL_CREATIONTIME, channel.name, inSeconds(channel.createdMs));
  }
  const changes: Change[] = [];
  let refused = false;
  for (const change of parseChanges(modes, line.params.slice(2))) {
    if (isList(change.letter) && change.param === undefined) {
      if (change.letter === 'b' || requireOp(session, channel)) replyList(session, channel, change.letter);
    } else if (!refused && !(refused = !requireOp(session, channel))) {
      const done = applyChange(ircd, session, channel, change);
      if (done !== undefined) changes.push(done);
    }
  }
  if (changes.length > 0) {
    const out = ircd.network.outgoing(user, 'MODE', [channel.name, ...formatChanges(changes)]);
    ircd.network.audience.showAll(channel.sessions, out);
  }
}

function isList(letter: string): letter is ListMode {
  return letter === 'b' || letter === 'e' || letter === 'I';
}

function parseChanges(modes: string, params: string[]): Change[] {
  const changes: Change[] = [];
  let on = true;
  for (const letter of modes) {
    if (letter === '+' || letter === '-') on = letter === '+';
    else if (changes.length < MODES_MAX) {
      const takes = 'bekIov'.includes(letter) || (letter === 'l' && on);
      changes.push({ on, letter, param: takes ? params.shift() : undefined });
    }
  }
  return changes;
}

function formatChanges(changes: readonly Change[]): string[] {
  let text = '';
  let sign = '';
  for (const { on, letter } of changes) {
    if (sign !== (on ? '+' : '-')) text += sign = on ? '+' : '-';
    text += letter;
  }
  return [text, ...changes.flatMap(({ param }) => (param === undefined ? [] : [param]))];
}

/** @returns the change as it is to be shown, undefined when nothing changed. */
function applyChange(ircd: Ircd, session: Session, channel: Channel, change: Change): Change | undefined {
  const { on, letter, param } = change;
  if (param === undefined && (letter === 'o' || letter === 'v' || (on && (letter === 'k' || letter === 'l')))) {
    return void replyMissing(session, 'MODE');
  }
  if (param !== undefined && (safeParam(param) !== param || !isValid(letter, param))) {
    const shown = letter === 'k' ? '*' : safeParam(param); // a key is a secret
    session.reply(numeric.ERR_INVALIDMODEPARAM, channel.name, letter, shown, 'Invalid mode parameter');
    return undefined;
  }
  if (isList(letter)) return changeList(ircd, session, channel, { on, letter, mask: fullMask(param as string) });
  if (letter === 'o' || letter === 'v') return changePrefix(ircd, session, channel, change);
  if (letter === 'k') return changeKey(channel, on ? param : undefined);
  if (letter === 'l') return changeLimit(channel, on ? Number(param) : 0);
  if (!FLAGS.includes(letter)) {
    session.reply(numeric.ERR_UNKNOWNMODE, safeParam(letter), 'is unknown mode char to me');
    return undefined;
  }
  if (channel.flags.has(letter) === on) return undefined;
  toggle(channel.flags, letter, on);
  return change;
}

function isValid(letter: string, param: string): boolean {
  if (letter === 'l') return /^0*[1-9]\d{0,8}$/.test(param);
  return letter !== 'k' || (param.length <= KEY_LENGTH_MAX && !/[\s,:]/.test(param));
}

function changeList(
  ircd: Ircd, session: Session, channel: Channel, change: { on: boolean; letter: ListMode; mask: string },
): Change | undefined {
  const { on, letter, mask } = change;
  const list = channel.lists[letter];
  const at = list.findIndex((entry) => fold(entry.mask) === fold(mask));
  if (on === at >= 0) return undefined;
  if (!on) list.splice(at, 1);
  else if (list.length < LIST_ENTRIES_MAX) {
    list.push({ mask, by: (session.user as User).prefix, setMs: ircd.wallMs() });
  } else {
    session.reply(numeric.ERR_BANLISTFULL, channel.name, mask, 'Channel list is full');
    return undefined;
  }
  return { on, letter, param: mask };
}

function replyList(session: Session, channel: Channel, letter: ListMode): void {
  const [entryReply, endReply, name] = LIST_REPLIES[letter];
  for (const { mask, by, setMs } of channel.lists[letter]) {
    session.reply(entryReply, channel.name, mask, by, inSeconds(setMs));
  }
  session.reply(endReply, channel.name, `End of channel ${name} list`);
}

function changePrefix(ircd: Ircd, session: Session, channel: Channel, change: Change): Change | undefined {
  const { on, letter } = change;
  const nick = change.param as string;
  const target = ircd.nicks.find(nick);
  if (target === undefined) return void replyNoNick(session, nick);
  const member = channel.members.get(target);
  if (member === undefined) return void replyNotIn(session, target, channel);
  const field = letter === 'o' ? 'op' : 'voice';
  if (member[field] === on) return undefined;
  member[field] = on;
  if (letter === 'o' && on && !target.local) {
    session.notice(`${target.shown} is of another node: he may speak here as an operator does, and do no more`);
  }
  return { on, letter, param: target.shown };
}

function changeKey(channel: Channel, key: string | undefined): Change | undefined {
  if (key === undefined && channel.password === undefined) return undefined;
  channel.password = key;
  return { on: key !== undefined, letter: 'k', param: key ?? '*' };
}

function changeLimit(channel: Channel, limit: number): Change | undefined {
  if (limit === channel.limit) return undefined;
  channel.limit = limit;
  return { on: limit > 0, letter: 'l', param: limit > 0 ? String(limit) : undefined };
}

const USER_MODES = 'BTio';

function userMode(ircd: Ircd, session: Session, nick: string, modes: string | undefined): void {
  const user = session.user as User;
  const target = ircd.nicks.find(nick);
  if (target === undefined) return replyNoNick(session, nick);
  if (target !== user) return session.reply(numeric.ERR_USERSDONTMATCH, 'Cannot change mode for other users');
  if (modes === undefined) return session.reply(numeric.RPL_UMODEIS, `+${[...user.modes].sort().join('')}`);
  const changes: Change[] = [];
  let unknown = false;
  for (const change of parseChanges(modes, [])) {
    const { on, letter } = change;
    if (!USER_MODES.includes(letter)) unknown = true;
    // Nobody makes himself an operator.
    else if (user.modes.has(letter) !== on && !(letter === 'o' && on)) {
      toggle(user.modes, letter, on);
      changes.push(change);
    }
  }
  if (unknown) session.reply(numeric.ERR_UMODEUNKNOWNFLAG, 'Unknown MODE flag');
  if (changes.length === 0) return;
  for (const other of user.sessions) {
    other.send(`:${user.prefix} MODE ${user.shown} ${formatChanges(changes).join(' ')}`);
  }
  if (changes.some(({ letter }) => 'Bi'.includes(letter))) ircd.mesh.own.changed(user);
}

export const modeCommands: CommandTable = {
  MODE: { paramsMin: 1, usage: 'MODE <channel> [<modes> [<param>…]] | MODE <nick> [<modes>]', handle: handleMode },
};
