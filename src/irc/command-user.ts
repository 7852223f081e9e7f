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

/** AWAY [:<message>] */
function handleAway(ircd: Ircd, session: Session, line: Line, user: User): void {
  const text = cutText(line.params[0] ?? '', AWAY_BYTES_MAX);
  const away = text === '' ? undefined : text;
  ircd.network.setAway(user, away);
  if (away === undefined) session.reply(numeric.RPL_UNAWAY, 'You are no longer marked as being away');
  else session.reply(numeric.RPL_NOWAWAY, 'You have been marked as being away');
  ircd.mesh.own.changed(user);
}

/** SETNAME :<realname> */
function handleSetname(ircd: Ircd, session: Session, line: Line, user: User): void {
  const real = line.params[0] as string;
  if (real === '' || byteLength(real) > REAL_BYTES_MAX) {
    return session.fail('SETNAME', 'INVALID_REALNAME', 'Realname is not valid');
  }
  ircd.network.setReal(user, cleanReal(real));
  ircd.mesh.own.changed(user);
}

/** MONITOR + | - <nick>{,<nick>}; C, L, S */
function handleMonitor(ircd: Ircd, session: Session, line: Line): void {
  const [sub, list] = line.params as [string, string | undefined];
  const nicks = (list ?? '').split(',').filter((nick) => nick !== '');
  if (sub === '+' || sub === '-') {
    if (nicks.length === 0) return replyMissing(session, 'MONITOR');
    if (sub === '+') return watch(ircd, session, nicks);
    for (const nick of nicks) {
      if (session.monitored.delete(fold(nick))) ircd.unwatch(session, fold(nick));
    }
  } else if (sub.toUpperCase() === 'C') {
    for (const key of session.monitored.keys()) ircd.unwatch(session, key);
    session.monitored.clear();
  } else if (sub.toUpperCase() === 'L') {
    replyNicks(session, numeric.RPL_MONLIST, [...session.monitored.values()]);
    session.reply(numeric.RPL_ENDOFMONLIST, 'End of MONITOR list');
  } else if (sub.toUpperCase() === 'S') {
    replyStatus(ircd, session, [...session.monitored.values()]);
  }
}

function watch(ircd: Ircd, session: Session, nicks: readonly string[]): void {
  const added: string[] = [];
  for (const [i, nick] of nicks.entries()) {
    const key = fold(nick);
    // A suffixed nick (nick~ab12) may be watched as well.
    if (!isNick(nick.replace(/~[0-9a-f]{4}$/, ''))) continue;
    if (session.monitored.size >= MONITOR_MAX && !session.monitored.has(key)) {
      session.reply(
        numeric.ERR_MONLISTFULL, String(MONITOR_MAX), cutText(nicks.slice(i).join(','), MONITOR_LINE_BYTES),
        'Monitor list is full',
      );
      break;
    }
    session.monitored.set(key, nick);
    const watchers = ircd.network.watchers.get(key);
    if (watchers === undefined) ircd.network.watchers.set(key, new Set([session]));
    else watchers.add(session);
    added.push(nick);
  }
  replyStatus(ircd, session, added);
}

function replyStatus(ircd: Ircd, session: Session, nicks: readonly string[]): void {
  const online: string[] = [];
  const offline: string[] = [];
  for (const nick of nicks) {
    const user = ircd.network.users.get(fold(nick));
    if (user === undefined) offline.push(nick);
    else online.push(user.prefix);
  }
  replyNicks(session, numeric.RPL_MONONLINE, online);
  replyNicks(session, numeric.RPL_MONOFFLINE, offline);
}

function replyNicks(session: Session, code: number, nicks: readonly string[]): void {
  for (const text of packWords(nicks, MONITOR_LINE_BYTES, ',')) session.reply(code, text);
}

export const userCommands: CommandTable = {
  AWAY: { usage: 'AWAY [:<message>]', handle: handleAway },
  SETNAME: { paramsMin: 1, usage: 'SETNAME :<realname>', handle: handleSetname },
  MONITOR: { paramsMin: 1, usage: 'MONITOR + | - <nick>{,<nick>} | C | L | S', handle: handleMonitor },
};
