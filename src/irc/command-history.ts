/** What was said before: CHATHISTORY (IRCv3 draft/chathistory) and MARKREAD (draft/read-marker). */
import { CAP_BATCH, CAP_CHATHISTORY, CAP_EVENT_PLAYBACK, CAP_READ_MARKER } from './capabilities.ts';
import type { Channel } from './channel.ts';
import type { CommandTable } from './commands.ts';
import { Delivery } from './delivery.ts';
import { isMessage } from './history.ts';
import type { Entry, History } from './history.ts';
import type { Ircd } from './ircd.ts';
import { CHATHISTORY_MAX } from './isupport.ts';
import type { Line } from './line.ts';
import { fold } from './names.ts';
import { Outgoing } from './outgoing.ts';
import { safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { formatTime, parseTime } from '../encoding/time.ts';
import type { User } from './user.ts';

/** A point in the history: a line, or a time between lines. */
type Point = { entry: Entry } | { timeMs: number };

const SUBCOMMANDS = new Map([
  ['LATEST', 1], ['BEFORE', 1], ['AFTER', 1], ['AROUND', 1], ['BETWEEN', 2], ['TARGETS', 2],
]);

/**
 * CHATHISTORY <LATEST|BEFORE|AFTER|AROUND> <target> <point> <limit> | BETWEEN <target> <point> <point> <limit> |
 * TARGETS <time> <time> <limit>
 */
function handleChathistory(ircd: Ircd, session: Session, line: Line): void | Promise<() => void> {
  if (!session.has(CAP_BATCH)) {
    return session.fail('CHATHISTORY', 'NEED_BATCH', 'This needs the batch capability');
  }
  const sub = (line.params[0] as string).toUpperCase();
  const pointCount = SUBCOMMANDS.get(sub);
  if (pointCount === undefined) {
    return session.fail('CHATHISTORY', 'INVALID_PARAMS', safeParam(sub), 'Unknown subcommand');
  }
  const targetCount = sub === 'TARGETS' ? 0 : 1;
  const points = line.params.slice(1 + targetCount, 1 + targetCount + pointCount);
  const limitText = line.params[1 + targetCount + pointCount];
  if (limitText === undefined) return session.fail('CHATHISTORY', 'NEED_MORE_PARAMS', sub, 'Missing parameters');
  const limit = Number(limitText);
  if (!Number.isInteger(limit) || limit < 0) {
    return session.fail('CHATHISTORY', 'INVALID_PARAMS', sub, safeParam(limitText), 'Invalid limit');
  }
  const count = Math.min(limit === 0 ? CHATHISTORY_MAX : limit, CHATHISTORY_MAX);
  if (sub === 'TARGETS') return replyTargets(ircd, session, points, count);
  const name = line.params[1] as string;
  const answer = (): void => replyHistory(ircd, session, { sub, name, points, count });
  // A channel that has just been joined is asked for after its members have given what they have.
  const channel = ircd.network.channels.get(fold(name));
  const synced = channel === undefined ? undefined : ircd.mesh.channels.synced(channel);
  return synced === undefined ? answer() : synced.then(() => answer);
}

interface Query {
  sub: string;
  name: string;
  points: readonly string[];
  count: number;
}

function replyHistory(ircd: Ircd, session: Session, query: Query): void {
  const user = session.user as User;
  const { sub, name } = query;
  const channel = ircd.network.channels.get(fold(name));
  if (name.startsWith('#') && channel?.members.has(user) !== true) {
    return session.fail('CHATHISTORY', 'INVALID_TARGET', sub, safeParam(name), 'Messages could not be retrieved');
  }
  const history = channel?.history ?? ircd.conversations.find(user, ircd.nicks.find(name), name);
  history?.expire(ircd.wallMs());
  const wanted = (history?.entries ?? []).filter((entry) => isMessage(entry) || session.has(CAP_EVENT_PLAYBACK));
  const points: (Point | undefined)[] = [];
  for (const text of query.points) {
    const point = parsePoint(history, text);
    if (point === undefined && !(sub === 'LATEST' && text === '*')) {
      return session.fail('CHATHISTORY', 'INVALID_PARAMS', sub, safeParam(text), 'Invalid point in history');
    }
    points.push(point);
  }
  replay(ircd, session, channel?.name ?? name, select(wanted, sub, points, query.count), true);
}

/** timestamp=<time> */
function parseTimestamp(text: string): number | undefined {
  return text.startsWith('timestamp=') ? parseTime(text.slice('timestamp='.length)) : undefined;
}

function parsePoint(history: History | undefined, text: string): Point | undefined {
  const timeMs = parseTimestamp(text);
  if (timeMs !== undefined) return { timeMs };
  const [, id] = /^msgid=(.+)/.exec(text) ?? [];
  if (id === undefined) return undefined;
  const entry = history?.find(id);
  // An id that has left the history: before all that is left.
  return entry === undefined ? { timeMs: -1 } : { entry };
}

/** @returns the index of the first entry after the point (`exclusive`), or at it. */
function indexAt(entries: readonly Entry[], point: Point, after: boolean): number {
  if ('entry' in point) {
    const at = entries.indexOf(point.entry);
    if (at >= 0) return after ? at + 1 : at;
    return indexAt(entries, { timeMs: point.entry.timeMs }, after);
  }
  const found = entries.findIndex((entry) => (after ? entry.timeMs > point.timeMs : entry.timeMs >= point.timeMs));
  return found < 0 ? entries.length : found;
}

function select(
  entries: readonly Entry[], sub: string, points: readonly (Point | undefined)[], count: number,
): readonly Entry[] {
  const [first, second] = points;
  if (first === undefined) return entries.slice(-count);
  const at = indexAt(entries, first, false);
  if (sub === 'AROUND') {
    const from = Math.max(0, at - Math.floor(count / 2));
    return entries.slice(from, from + count);
  }
  const backward = sub === 'BEFORE' || (second !== undefined && at > indexAt(entries, second, false));
  const [low, high] = backward ? [second, first] : [first, second];
  const from = low === undefined ? 0 : indexAt(entries, low, true);
  const found = entries.slice(from, high === undefined ? entries.length : indexAt(entries, high, false));
  return backward || sub === 'LATEST' ? found.slice(-count) : found.slice(0, count);
}

/** @param wanted the client asked for it: an empty batch is an answer */
function replay(ircd: Ircd, session: Session, target: string, entries: readonly Entry[], wanted: boolean): void {
  if (entries.length === 0 && !wanted) return;
  const batch = session.beginBatch('chathistory', target);
  for (const entry of entries) {
    const delivery = new Delivery(entry);
    if (wanted) delivery.to(session, batch);
    else delivery.oldTo(session, batch, ircd.wallMs());
  }
  session.endBatch(batch);
}

/** The last lines, for a client that does not ask for them. */
export function playHistory(ircd: Ircd, session: Session, channel: Channel): void {
  ircd.settle(); // what has just come is shown first, and once
  channel.history.expire(ircd.wallMs());
  const shownEarly = session.shownEarly;
  const entries = channel.history.entries.filter((entry) => isMessage(entry) && shownEarly?.has(entry) !== true);
  replay(ircd, session, channel.name, entries.slice(-ircd.options.playbackLines), false);
}

/** Lines that were missing here and have come from other members. */
export function playMissed(ircd: Ircd, session: Session, channel: Channel, entries: readonly Entry[]): void {
  replay(
    ircd, session, channel.name, entries.filter((entry) => isMessage(entry) || session.has(CAP_EVENT_PLAYBACK)), false,
  );
}

function replyTargets(ircd: Ircd, session: Session, points: readonly string[], count: number): void {
  const user = session.user as User;
  const [a, b] = points.map(parseTimestamp);
  if (a === undefined || b === undefined) {
    return session.fail('CHATHISTORY', 'INVALID_PARAMS', 'TARGETS', 'Invalid timestamp');
  }
  const found: [timeMs: number, name: string][] = [];
  const add = (name: string, timeMs: number): void => {
    if (timeMs > Math.min(a, b) && timeMs < Math.max(a, b)) found.push([timeMs, name]);
  };
  for (const channel of user.channels.values()) add(channel.name, channel.history.lastMessageMs);
  for (const { name, history } of ircd.conversations.all(user)) add(name, history.lastMessageMs);
  found.sort((x, y) => x[0] - y[0]);
  const chosen = a <= b ? found.slice(0, count) : found.slice(-count);
  const batch = session.beginBatch('draft/chathistory-targets');
  for (const [timeMs, name] of chosen) {
    session.send(
      new Outgoing(ircd.serverName, 'CHATHISTORY', ['TARGETS', name, formatTime(timeMs)], { timeMs }), batch,
    );
  }
  session.endBatch(batch);
}

function handleMarkread(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [target, mark] = line.params as [string | undefined, string | undefined];
  if (target === undefined) return session.fail('MARKREAD', 'NEED_MORE_PARAMS', 'Missing parameters');
  if (mark === undefined) return replyMarker(ircd, session, target);
  const timeMs = parseTimestamp(mark);
  if (timeMs === undefined) {
    return session.fail('MARKREAD', 'INVALID_PARAMS', safeParam(target), safeParam(mark), 'Invalid timestamp');
  }
  const before = ircd.conversations.marker(user, target);
  const now = ircd.conversations.mark(user, target, timeMs);
  if (before === now) return replyMarker(ircd, session, target);
  for (const other of user.sessions) if (other.has(CAP_READ_MARKER)) replyMarker(ircd, other, target);
}

export function replyMarker(ircd: Ircd, session: Session, target: string): void {
  const timeMs = ircd.conversations.marker(session.user as User, target);
  session.line('MARKREAD', safeParam(target), timeMs === undefined ? '*' : `timestamp=${formatTime(timeMs)}`);
}

export const historyCommands: CommandTable = {
  CHATHISTORY: {
    paramsMin: 1, capability: CAP_CHATHISTORY,
    usage: 'CHATHISTORY <subcommand> <target> <point> [<point>] <limit>', handle: handleChathistory,
  },
  MARKREAD: { capability: CAP_READ_MARKER, usage: 'MARKREAD <target> [timestamp=<time>]', handle: handleMarkread },
};
