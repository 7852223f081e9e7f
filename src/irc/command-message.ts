/** Saying things: PRIVMSG, NOTICE, TAGMSG, multiline BATCH, REDACT. */
import {
  CAP_ECHO_MESSAGE, CAP_MESSAGE_TAGS, CAP_MULTILINE, CAP_REDACTION, CAP_SELF_MESSAGE, MULTILINE_BYTES_MAX,
  MULTILINE_LINES_MAX,
} from './capabilities.ts';
import type { Channel } from './channel.ts';
import type { CommandTable } from './commands.ts';
import { Delivery } from './delivery.ts';
import type { Entry } from './history.ts';
import type { Ircd } from './ircd.ts';
import { TARGETS_MAX } from './isupport.ts';
import { clientTags, isCtcp } from './line.ts';
import type { Line } from './line.ts';
import { fold, REASON_BYTES_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { withReason } from './outgoing.ts';
import { replyNoChannel, replyNoNick, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { byteLength, cutText } from './text.ts';
import type { User } from './user.ts';

/**
 * Text that is passed on whole even when its source makes the line longer than 512 bytes; more is refused, never cut.
 */
const WHOLE_TEXT_BYTES_MAX = 490;
const LINE_BYTES_MAX = 512;

interface Draft {
  command: string;
  lines: readonly string[];
  concat: readonly number[];
  tags: ReadonlyMap<string, string> | undefined;
}

/** PRIVMSG and NOTICE. */
function handleText(ircd: Ircd, session: Session, line: Line, user: User): void {
  const quiet = line.command === 'NOTICE';
  const [targets, text] = line.params as [string | undefined, string | undefined];
  if (line.tags.has('batch') && session.has(CAP_MULTILINE)) return addToBatch(session, line);
  if (targets === undefined || targets === '') {
    if (!quiet) session.reply(numeric.ERR_NORECIPIENT, `No recipient given (${line.command})`);
  } else if (text === undefined || text === '') {
    if (!quiet) session.reply(numeric.ERR_NOTEXTTOSEND, 'No text to send');
  } else {
    const bytes = byteLength(text);
    const overhead = user.prefix.length + line.command.length + byteLength(targets) + 7;
    if (bytes > WHOLE_TEXT_BYTES_MAX && bytes + overhead > LINE_BYTES_MAX) {
      return session.reply(numeric.ERR_INPUTTOOLONG, 'Input line was too long');
    }
    const tags = session.has(CAP_MESSAGE_TAGS) ? clientTags(line.tags) : undefined;
    sendAll(ircd, session, targets, { command: line.command, lines: [text], concat: [], tags });
  }
}

function handleTagmsg(ircd: Ircd, session: Session, line: Line): void {
  const tags = session.has(CAP_MESSAGE_TAGS) ? clientTags(line.tags) : undefined;
  if (tags === undefined) return;
  sendAll(ircd, session, line.params[0] as string, { command: 'TAGMSG', lines: [], concat: [], tags });
}

function sendAll(ircd: Ircd, session: Session, targets: string, draft: Draft): void {
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
  if (!numbered) return ircd.mesh.hint(user, channel, entry);
  channel.history.add(entry, ircd.wallMs());
  const pending = ircd.mesh.say(user, channel, entry);
  if (pending !== undefined) ircd.wait(session, pending);
}

/** STATUSMSG: to @ operators, or + those with voice as well. */
function sendToOperators(session: Session, channel: Channel, delivery: Delivery, status: string): void {
  for (const [member, { op, voice }] of channel.members) {
    if (!op && !(status === '+' && voice) && member !== session.user) continue;
    for (const other of member.sessions) if (other !== session || session.has(CAP_ECHO_MESSAGE)) delivery.to(other);
  }
}

function sendToUser(ircd: Ircd, session: Session, nick: string, draft: Draft): void {
  const { network } = ircd;
  const user = session.user as User;
  const quiet = draft.command !== 'PRIVMSG';
  const several = network.ambiguous(nick);
  if (several.length > 0) {
    // As RFC 1459 has it. Of a 401 some clients show no text, and "No such nick" is not what it is.
    return session.reply(
      numeric.ERR_TOOMANYTARGETS, safeParam(nick), `Several people have this nick: say ${several.join(' or ')}`,
    );
  }
  const target = network.findUser(nick);
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
  ircd.wait(session, sent);
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

function handleBatch(ircd: Ircd, session: Session, line: Line): void {
  const [reference, type, target] = line.params as [string, string | undefined, string | undefined];
  const id = reference.slice(1);
  const open = session.openBatch;
  if (reference[0] === '+') {
    if (type !== 'draft/multiline' || target === undefined || open !== undefined || !session.has(CAP_MULTILINE)) {
      return refuseBatch(session, id, 'MULTILINE_INVALID', 'Invalid multiline batch');
    }
    session.refusedBatch = undefined;
    session.openBatch = {
      id, target, command: '', label: session.takeLabel(), tags: clientTags(line.tags), lines: [], concat: [], bytes: 0,
    };
    return;
  }
  session.openBatch = undefined;
  if (session.refusedBatch === id) {
    session.refusedBatch = undefined;
    return;
  }
  if (open?.id !== id) return session.fail('BATCH', 'MULTILINE_INVALID', 'No such batch');
  const { command, lines, concat, tags } = open;
  session.labelled(open.label, () => {
    if (lines.some((text) => text !== '')) sendAll(ircd, session, open.target, { command, lines, concat, tags });
    else session.fail('BATCH', 'MULTILINE_INVALID', 'Multiline batch without text');
  });
}

/** What is still to come of it is dropped. */
function refuseBatch(session: Session, id: string, code: string, ...params: string[]): void {
  const label = session.openBatch?.label ?? '';
  session.openBatch = undefined;
  session.refusedBatch = id;
  session.labelled(label, () => session.fail('BATCH', code, ...params));
}

function addToBatch(session: Session, line: Line): void {
  const id = line.tags.get('batch') as string;
  if (id === session.refusedBatch) return;
  const open = session.openBatch;
  const refuse = (code: string, ...params: string[]): void => refuseBatch(session, id, code, ...params);
  const text = line.params[1] ?? '';
  const concat = line.tags.has('draft/multiline-concat');
  if (open?.id !== id || (open.command !== '' && open.command !== line.command) || (concat && text === '')) {
    return refuse('MULTILINE_INVALID', 'Invalid multiline batch');
  }
  if (fold(line.params[0] ?? '') !== fold(open.target)) {
    return refuse(
      'MULTILINE_INVALID_TARGET', safeParam(open.target), safeParam(line.params[0] ?? ''), 'Invalid multiline target',
    );
  }
  open.command = line.command;
  open.bytes += byteLength(text) + (concat || open.lines.length === 0 ? 0 : 1);
  if (concat && open.lines.length > 0) open.concat.push(open.lines.length);
  open.lines.push(text);
  if (open.bytes > MULTILINE_BYTES_MAX) {
    refuse('MULTILINE_MAX_BYTES', String(MULTILINE_BYTES_MAX), 'Multiline batch has too many bytes');
  } else if (open.lines.length > MULTILINE_LINES_MAX) {
    refuse('MULTILINE_MAX_LINES', String(MULTILINE_LINES_MAX), 'Multiline batch has too many lines');
  }
}

function handleRedact(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [target, msgid, reason = ''] = line.params as [string, string, string?];
  const fail = (code: string, ...params: string[]): void => session.fail('REDACT', code, safeParam(target), ...params);
  const text = cutText(reason, REASON_BYTES_MAX);
  const channel = ircd.network.channels.get(fold(target));
  const other = channel === undefined ? ircd.network.findUser(target) : undefined;
  if ((channel === undefined && other === undefined) || (channel !== undefined && !channel.members.has(user))) {
    return fail('INVALID_TARGET', 'Invalid target');
  }
  const history = channel?.history ?? ircd.conversations.find(user, other, target);
  const entry = history?.find(msgid);
  if (entry === undefined) {
    return fail('UNKNOWN_MSGID', safeParam(msgid), 'This message does not exist or is too old');
  }
  const own = entry.source.slice(entry.source.indexOf('!')) === user.prefix.slice(user.prefix.indexOf('!')) &&
    (entry.origin?.nick === user.nick || entry.account !== undefined && entry.account === user.account);
  const op = channel?.members.get(user)?.op === true;
  if (!own && !op) {
    return fail('REDACT_FORBIDDEN', safeParam(msgid), 'You are not authorised to redact this message');
  }
  history?.remove(msgid);
  if (channel !== undefined) {
    const out = ircd.network.outgoing(user, 'REDACT', withReason([channel.name, msgid], text));
    ircd.network.toChannel(channel, out, CAP_REDACTION);
    // An operator redacts for his own node; the author for everybody.
    if (own) ircd.mesh.redact(user, channel, msgid, text);
    return;
  }
  const peer = other as User;
  if (!peer.local) ircd.mesh.private.redact(user, peer, msgid, text);
  showPrivateRedaction(ircd, user, peer, msgid, text);
}

export function showPrivateRedaction(ircd: Ircd, user: User, peer: User, msgid: string, reason: string): void {
  const out = ircd.network.outgoing(user, 'REDACT', withReason([peer.shown, msgid], reason));
  if (peer.local) ircd.conversations.find(peer, user, user.nick)?.remove(msgid);
  for (const one of new Set([...user.sessions, ...peer.sessions])) if (one.has(CAP_REDACTION)) one.send(out);
}

export const messageCommands: CommandTable = {
  PRIVMSG: { usage: 'PRIVMSG <target>{,<target>} :<text>', handle: handleText },
  NOTICE: { usage: 'NOTICE <target>{,<target>} :<text>', handle: handleText },
  TAGMSG: { paramsMin: 1, usage: 'TAGMSG <target>{,<target>}', handle: handleTagmsg },
  BATCH: { paramsMin: 1, usage: 'BATCH +<id> draft/multiline <target> | -<id>', handle: handleBatch },
  REDACT: {
    paramsMin: 2, capability: CAP_REDACTION, usage: 'REDACT <target> <msgid> [:<reason>]', handle: handleRedact,
  },
};
