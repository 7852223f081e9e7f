/** What a user says about himself and whom he watches: AWAY, SETNAME, MONITOR. */
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import { MONITOR_MAX } from './isupport.ts';
import type { Line } from './line.ts';
import { AWAY_BYTES_MAX, cleanReal, fold, isNick, REAL_BYTES_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { replyMissing } from './replies.ts';
import type { Session } from './session.ts';
import { byteLength, cutText, packWords } from './text.ts';
import type { User } from './user.ts';

const MONITOR_LINE_BYTES = 400;

function handleAway(ircd: Ircd, session: Session, line: Line, user: User): void {
  const text = cutText(line.params[0] ?? '', AWAY_BYTES_MAX);
  const away = text === '' ? undefined : text;
  ircd.network.setAway(user, away);
  if (away === undefined) session.reply(numeric.RPL_UNAWAY, 'You are no longer marked as being away');
  else session.reply(numeric.RPL_NOWAWAY, 'You have been marked as being away');
  ircd.mesh.own.changed(user);
}

function handleSetname(ircd: Ircd, session: Session, line: Line, user: User): void {
  const real = line.params[0] as string;
  if (real === '' || byteLength(real) > REAL_BYTES_MAX) {
    return session.fail('SETNAME', 'INVALID_REALNAME', 'Realname is not valid');
  }
  ircd.network.setReal(user, cleanReal(real));
  ircd.mesh.own.changed(user);
}

function handleMonitor(ircd: Ircd, session: Session, line: Line): void {
  const sub = (line.params[0] as string).toUpperCase();
  const nicks = (line.params[1] ?? '').split(',').filter((nick) => nick !== '');
  const monitored = session.monitored;
  if (sub === '+' || sub === '-') {
    if (nicks.length === 0) return replyMissing(session, 'MONITOR');
    if (sub === '+') return watch(ircd, session, nicks);
    const keys = nicks.map(fold);
    ircd.network.watchers.remove(session, keys);
    for (const key of keys) monitored.delete(key);
  } else if (sub === 'C') {
    ircd.network.watchers.remove(session, monitored.keys());
    monitored.clear();
  } else if (sub === 'L') {
    replyNicks(session, numeric.RPL_MONLIST, monitored.values());
    session.reply(numeric.RPL_ENDOFMONLIST, 'End of MONITOR list');
  } else if (sub === 'S') replyStatus(ircd, session, monitored.values());
}

/** A nick, also one with a suffix (nick~ab12). */
function isWatchable(text: string): boolean {
  return isNick(text.replace(/~[0-9a-f]{4}$/, ''));
}

function watch(ircd: Ircd, session: Session, nicks: readonly string[]): void {
  const added: string[] = [];
  for (const [i, nick] of nicks.entries()) {
    const key = fold(nick);
    if (!isWatchable(nick)) continue;
    if (session.monitored.size >= MONITOR_MAX && !session.monitored.has(key)) {
      const refused = cutText(nicks.slice(i).filter(isWatchable).join(','), MONITOR_LINE_BYTES);
      session.reply(numeric.ERR_MONLISTFULL, String(MONITOR_MAX), refused, 'Monitor list is full');
      break;
    }
    session.monitored.set(key, nick);
    ircd.network.watchers.add(session, key);
    added.push(nick);
  }
  replyStatus(ircd, session, added);
}

function replyStatus(ircd: Ircd, session: Session, nicks: Iterable<string>): void {
  const online: string[] = [];
  const offline: string[] = [];
  for (const nick of nicks) {
    const user = ircd.nicks.users.get(fold(nick));
    if (user === undefined) offline.push(nick);
    else online.push(user.prefix);
  }
  replyNicks(session, numeric.RPL_MONONLINE, online);
  replyNicks(session, numeric.RPL_MONOFFLINE, offline);
}

function replyNicks(session: Session, code: number, nicks: Iterable<string>): void {
  for (const text of packWords(nicks, MONITOR_LINE_BYTES, ',')) session.reply(code, text);
}

export const userCommands: CommandTable = {
  AWAY: { usage: 'AWAY [:<message>]', handle: handleAway },
  SETNAME: { paramsMin: 1, usage: 'SETNAME :<realname>', handle: handleSetname },
  MONITOR: { paramsMin: 1, usage: 'MONITOR + | - <nick>{,<nick>} | C | L | S', handle: handleMonitor },
};
