/**
 * REDACT (IRCv3 draft/message-redaction): who said a line takes it back everywhere, an operator of the channel on this
 * node alone.
 */
import { CAP_REDACTION } from './capabilities.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { fold, REASON_BYTES_MAX } from './names.ts';
import { withReason } from './outgoing.ts';
import { safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { cutText } from './text.ts';
import type { User } from './user.ts';

function handleRedact(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [target, msgid, reason = ''] = line.params as [string, string, string?];
  const fail = (code: string, ...params: string[]): void => session.fail('REDACT', code, safeParam(target), ...params);
  const text = cutText(reason, REASON_BYTES_MAX);
  const channel = ircd.network.channels.get(fold(target));
  const other = channel === undefined ? ircd.nicks.find(target) : undefined;
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
    ircd.network.audience.showAll(channel.sessions, out, CAP_REDACTION);
    // An operator redacts for his own node; the author for everybody.
    if (own) ircd.mesh.channels.redact(user, channel, msgid, text);
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

export const redactCommands: CommandTable = {
  REDACT: {
    paramsMin: 2, capability: CAP_REDACTION, usage: 'REDACT <target> <msgid> [:<reason>]', handle: handleRedact,
  },
};
