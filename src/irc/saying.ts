/**
 * What it means to say something: to whom it goes (a channel, its operators, a person here or on another node), what is
 * made of it (an entry with its name on the mesh), and which clients see it.
 */
import { CAP_ECHO_MESSAGE, CAP_SELF_MESSAGE } from './capabilities.ts';
import type { Channel } from './channel.ts';
import { Delivery } from './delivery.ts';
import type { Entry } from './history.ts';
import type { Ircd } from './ircd.ts';
import { TARGETS_MAX } from './isupport.ts';
import { isCtcp } from './line.ts';
import { fold } from './names.ts';
import * as numeric from './numerics.ts';
import { replyNoChannel, replyNoNick, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';

/** What a client wants to say. */
export interface Draft {
  command: string;
  lines: readonly string[];
  concat: readonly number[];
  tags: ReadonlyMap<string, string> | undefined;
}

/** @param targets of the line, between commas */
export function say(ircd: Ircd, session: Session, targets: string, draft: Draft): void {
  const user = session.user as User;
  user.activeMs = ircd.now();
  const seen = new Set<string>();
  for (const target of targets.split(',')) {
    if (seen.has(fold(target)) || target === '') continue;
    seen.add(fold(target));
    if (seen.size > TARGETS_MAX) {
      return session.reply(numeric.ERR_TOOMANYTARGETS, safeParam(target), 'Too many targets');
    }
    if (/^[@+]?#/.test(target)) sendToChannel(ircd, session, target, draft);
    else sendToUser(ircd, session, target, draft);
  }
}

/** @param channel whose next number the line takes */
function makeEntry(ircd: Ircd, user: User, channel: Channel | undefined, target: string, draft: Draft): Entry {
  const { msgid, stream, n, address } = ircd.mesh.stamp(channel);
  return {
    ...draft, timeMs: ircd.wallMs(), msgid, source: user.prefix, account: user.account, bot: user.bot, target,
    origin: { address, stream, n, nick: user.nick, user: user.user },
  };
}

/** Typing and its like: of no use later, so neither kept nor repaired. */
function isPassing(draft: Draft): boolean {
  if (draft.command !== 'TAGMSG') return false;
  return [...(draft.tags ?? [])].every(([key]) => key === '+typing' || key === '+draft/typing');
}

function sendToChannel(ircd: Ircd, session: Session, target: string, draft: Draft): void {
  const user = session.user as User;
  const status = target[0] === '#' ? '' : (target[0] as string);
  const channel = ircd.network.channels.get(fold(target.slice(status.length)));
  const quiet = draft.command !== 'PRIVMSG';
  if (channel === undefined) {
    if (!quiet) replyNoChannel(session, target);
    return;
  }
  const ctcp = channel.flags.has('C') && isCtcp(draft.lines);
  if (!channel.admits(user) || ctcp) {
    if (quiet && draft.command !== 'TAGMSG') return;
    const mode = ctcp ? 'C' : !channel.members.has(user) ? 'n' : channel.flags.has('m') ? 'm' : 'b';
    return session.reply(numeric.ERR_CANNOTSENDTOCHAN, channel.name, `Cannot send to channel (+${mode})`);
  }
  // A number of the channel that others never get would be a missing line to them.
  const numbered = status === '' && !isPassing(draft);
  const entry = makeEntry(ircd, user, numbered ? channel : undefined, status + channel.name, draft);
  const delivery = new Delivery(entry);
  const echoes = session.has(CAP_ECHO_MESSAGE);
  // Operators are this node's own affair, and so is what is said to them.
  if (status !== '') return sendToOperators(session, channel, delivery, status);
  // He has seen it as he typed it.
  session.shownEarly?.add(entry);
  // The echo of a labelled message is the reply to it.
  if (session.labelling && echoes) delivery.to(session);
  ircd.fanOut.toChannel(channel, delivery, echoes && !session.labelling ? undefined : session);
  if (!numbered) return ircd.mesh.channels.hint(user, channel, entry);
  channel.history.add(entry, ircd.wallMs());
  const pending = ircd.mesh.channels.say(user, channel, entry);
  if (pending !== undefined) session.inbox.wait(pending);
}

/** STATUSMSG: to @ operators, or + those with voice as well. */
function sendToOperators(session: Session, channel: Channel, delivery: Delivery, status: string): void {
  for (const [member, { op, voice }] of channel.members) {
    if (!op && !(status === '+' && voice) && member !== session.user) continue;
    for (const other of member.sessions) if (other !== session || session.has(CAP_ECHO_MESSAGE)) delivery.to(other);
  }
}

function sendToUser(ircd: Ircd, session: Session, nick: string, draft: Draft): void {
  const user = session.user as User;
  const quiet = draft.command !== 'PRIVMSG';
  const several = ircd.nicks.ambiguous(nick);
  if (several.length > 0) {
    // As RFC 1459 has it. Of a 401 some clients show no text, and "No such nick" is not what it is.
    return session.reply(
      numeric.ERR_TOOMANYTARGETS, safeParam(nick), `Several people have this nick: say ${several.join(' or ')}`,
    );
  }
  const target = ircd.nicks.find(nick);
  if (target === undefined) {
    if (!quiet) replyNoNick(session, nick);
    return;
  }
  const entry = makeEntry(ircd, user, undefined, target.shown, draft);
  echo(session, user, entry);
  if (target.away !== undefined && draft.command === 'PRIVMSG') {
    session.reply(numeric.RPL_AWAY, target.shown, target.away);
  }
  if (target.modes.has('T') && isCtcp(draft.lines)) return;
  if (!target.local) return sendAcross(ircd, session, target, draft, entry);
  deliverPrivate(ircd, user, target, entry, isPassing(draft), session);
}

/** The sender's other clients see what he said; this one when it asked for it. */
function echo(session: Session, user: User, entry: Entry): void {
  const delivery = new Delivery(entry);
  for (const other of user.sessions) {
    if (other.has(CAP_ECHO_MESSAGE) || (other !== session && other.has(CAP_SELF_MESSAGE))) delivery.to(other);
  }
}

function sendAcross(ircd: Ircd, session: Session, target: User, draft: Draft, entry: Entry): void {
  const user = session.user as User;
  if (isPassing(draft)) return ircd.mesh.private.hint(user, target, entry);
  ircd.conversations.record(user, target, entry, ircd.wallMs());
  const sent = ircd.mesh.private.tell(user, target, entry).then((reached) => {
    if (!reached) session.reply(numeric.ERR_NOSUCHNICK, target.shown, 'His node can not be reached');
  });
  session.inbox.wait(sent);
}

/** To a user of this node, from one of this or another node. */
export function deliverPrivate(
  ircd: Ircd, from: User, target: User, entry: Entry, passing: boolean, session?: Session,
): void {
  const delivery = new Delivery(entry, target.shown);
  for (const other of target.sessions) delivery.to(other, '', other === session);
  if (passing) return;
  const nowMs = ircd.wallMs();
  ircd.conversations.record(target, from, entry, nowMs);
  if (from.local && from !== target) ircd.conversations.record(from, target, entry, nowMs);
}
