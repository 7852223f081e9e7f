/** What is done in a channel: TOPIC, INVITE, KICK. What a channel operator may do holds for this node only. */
import { makeRoom } from '../encoding/tables.ts';
import { CAP_INVITE_NOTIFY } from './capabilities.ts';
import type { Channel } from './channel.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { fold, REASON_BYTES_MAX, TOPIC_BYTES_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { inSeconds, joinedChannel, replyMissing, replyNoNick, replyNotIn, requireOp } from './replies.ts';
import type { Session } from './session.ts';
import { cutText } from './text.ts';
import type { User } from './user.ts';

const INVITES_MAX = 20;

export function replyTopic(session: Session, channel: Channel): void {
  const topic = channel.topic;
  if (topic === undefined || topic.text === '') {
    return session.reply(numeric.RPL_NOTOPIC, channel.name, 'No topic is set');
  }
  session.reply(numeric.RPL_TOPIC, channel.name, topic.text);
  session.reply(numeric.RPL_TOPICWHOTIME, channel.name, topic.by, inSeconds(topic.setMs));
}

function handleTopic(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [name, text] = line.params as [string, string | undefined];
  const known = ircd.network.channels.get(fold(name));
  if (text === undefined && known !== undefined && !known.members.has(user) && !known.flags.has('s')) {
    return replyTopic(session, known);
  }
  const channel = joinedChannel(ircd, session, name);
  if (channel === undefined) return;
  if (text === undefined) return replyTopic(session, channel);
  if (channel.flags.has('t') && !requireOp(session, channel)) return;
  ircd.mesh.own.topic(user, channel, cutText(text, TOPIC_BYTES_MAX));
}

function handleInvite(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [nick, name] = line.params as [string | undefined, string | undefined];
  if (nick === undefined) {
    for (const key of user.invites) session.reply(numeric.RPL_INVITELIST, key);
    return session.reply(numeric.RPL_ENDOFINVITELIST, 'End of /INVITE list');
  }
  if (name === undefined) return replyMissing(session, 'INVITE');
  const channel = joinedChannel(ircd, session, name);
  if (channel === undefined) return;
  const target = ircd.nicks.find(nick);
  if (target === undefined) return replyNoNick(session, nick);
  if (channel.flags.has('i') && !requireOp(session, channel)) return;
  if (channel.members.has(target)) {
    return session.reply(numeric.ERR_USERONCHANNEL, target.shown, channel.name, 'is already on channel');
  }
  session.reply(numeric.RPL_INVITING, target.shown, channel.name);
  if (target.away !== undefined) session.reply(numeric.RPL_AWAY, target.shown, target.away);
  if (target.local) showInvite(ircd, user, target, channel.name);
  else ircd.mesh.private.invite(user, target, channel);
  const out = ircd.network.outgoing(user, 'INVITE', [target.shown, channel.name]);
  for (const [member, { op }] of channel.members) {
    if (member === user || !op) continue;
    for (const other of member.sessions) if (other.has(CAP_INVITE_NOTIFY)) other.send(out);
  }
}

export function showInvite(ircd: Ircd, by: User, target: User, name: string): void {
  makeRoom(target.invites, INVITES_MAX);
  target.invites.add(fold(name));
  const out = ircd.network.outgoing(by, 'INVITE', [target.shown, name]);
  for (const session of target.sessions) session.send(out);
}

/** One channel, or as many channels as nicks. */
function handleKick(ircd: Ircd, session: Session, line: Line): void {
  const [names, nicks, reason] = line.params as [string, string, string | undefined];
  const channels = names.split(',');
  for (const [i, nick] of nicks.split(',').entries()) {
    const name = channels.length === 1 ? channels[0] : channels[i];
    if (name !== undefined) kickOne(ircd, session, name, nick, reason ?? '');
  }
}

function kickOne(ircd: Ircd, session: Session, name: string, nick: string, reason: string): void {
  const user = session.user as User;
  const channel = joinedChannel(ircd, session, name);
  if (channel === undefined || !requireOp(session, channel)) return;
  const target = ircd.nicks.find(nick);
  if (target === undefined) return replyNoNick(session, nick);
  if (!channel.members.has(target)) return replyNotIn(session, target, channel);
  const text = cutText(reason === '' ? user.shown : reason, REASON_BYTES_MAX);
  ircd.network.kick(user, channel, target, text);
  if (target.local) ircd.mesh.own.parted(target, channel, `Kicked by ${user.shown}: ${text}`);
  else session.notice(`${target.shown} is hidden on this node until he joins again; other nodes decide for themselves`);
}

export const channelCommands: CommandTable = {
  TOPIC: { paramsMin: 1, usage: 'TOPIC <channel> [:<topic>]', handle: handleTopic },
  INVITE: { usage: 'INVITE [<nick> <channel>]', handle: handleInvite },
  KICK: { paramsMin: 2, usage: 'KICK <channel>{,<channel>} <nick>{,<nick>} [:<reason>]', handle: handleKick },
};
