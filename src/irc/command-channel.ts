/** Channels: JOIN, PART, TOPIC, NAMES, LIST, INVITE, KICK. What a channel operator may do holds for this node only. */
import { makeRoom } from '../encoding/tables.ts';
import {
  CAP_CHATHISTORY, CAP_INVITE_NOTIFY, CAP_MULTI_PREFIX, CAP_NO_IMPLICIT_NAMES, CAP_READ_MARKER, CAP_USERHOST_IN_NAMES,
} from './capabilities.ts';
import { statusPrefix } from './channel.ts';
import type { Channel } from './channel.ts';
import { replyMarker, playHistory } from './command-history.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { CHANNELS_PER_USER_MAX, fold, isChannel, matches, REASON_BYTES_MAX, TOPIC_BYTES_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { inSeconds, replyMissing, replyNoChannel, replyNoNick, replyNotIn, requireOp, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { cutText } from './text.ts';
import type { User } from './user.ts';

const NAMES_LINE_BYTES = 350;

/** @returns the channel when the user is in it; else replies and returns undefined. */
function joinedChannel(ircd: Ircd, session: Session, name: string): Channel | undefined {
  const channel = ircd.network.channels.get(fold(name));
  const user = session.user as User;
  if (channel === undefined) replyNoChannel(session, name);
  else if (channel.members.has(user)) return channel;
  else session.reply(numeric.ERR_NOTONCHANNEL, channel.name, 'You are not on that channel');
  return undefined;
}

function handleJoin(ircd: Ircd, session: Session, line: Line, user: User): void {
  const names = (line.params[0] as string).split(',');
  const keys = (line.params[1] ?? '').split(',');
  if (names.length === 1 && names[0] === '0') {
    for (const channel of [...user.channels.values()]) leave(ircd, user, channel, '');
    return;
  }
  for (const [i, name] of names.entries()) {
    if (name !== '') joinChannel(ircd, session, name, keys[i] ?? '');
  }
}

/** @returns undefined when he may come in, else the numeric and its text. */
function refusal(channel: Channel, user: User, key: string): [number, string] | undefined {
  const invited = user.invites.has(channel.key);
  if (channel.localCount === 0) return undefined;
  if (channel.bans(user.prefix) && !invited) return [numeric.ERR_BANNEDFROMCHAN, 'Cannot join channel (+b)'];
  if (channel.flags.has('i') && !invited && !channel.listed('I', user.prefix)) {
    return [numeric.ERR_INVITEONLYCHAN, 'Cannot join channel (+i)'];
  }
  if (channel.password !== undefined && channel.password !== key && !invited) {
    return [numeric.ERR_BADCHANNELKEY, 'Cannot join channel (+k)'];
  }
  if (channel.limit > 0 && channel.members.size >= channel.limit && !invited) {
    return [numeric.ERR_CHANNELISFULL, 'Cannot join channel (+l)'];
  }
  return undefined;
}

export function joinChannel(ircd: Ircd, session: Session, name: string, key: string): void {
  const user = session.user as User;
  const { network } = ircd;
  if (!isChannel(name)) return replyNoChannel(session, name);
  const known = network.channels.get(fold(name));
  const again = known?.members.has(user) === true;
  if (again && user.sessions.length === 1) return;
  if (!again && user.channels.size >= CHANNELS_PER_USER_MAX) {
    return session.reply(numeric.ERR_TOOMANYCHANNELS, safeParam(name), 'You have joined too many channels');
  }
  const refused = known === undefined || again ? undefined : refusal(known, user, key);
  if (refused !== undefined) return session.reply(refused[0], (known as Channel).name, refused[1]);
  const channel = network.openChannel(name);
  if (channel === undefined) return session.reply(numeric.ERR_TOOMANYCHANNELS, name, 'There are too many channels');
  if (again) network.showJoin(user, channel, session);
  else {
    const joinedMs = ircd.wallMs();
    user.invites.delete(channel.key);
    network.join(user, channel, joinedMs);
    ircd.mesh.joined(user, channel, joinedMs);
  }
  for (const one of again ? [session] : user.sessions) enter(ircd, one, channel);
}

/** What a client is told of a channel that it has come into. */
function enter(ircd: Ircd, session: Session, channel: Channel): void {
  if (channel.topic !== undefined && channel.topic.text !== '') replyTopic(session, channel);
  if (session.has(CAP_READ_MARKER)) replyMarker(ircd, session, channel.name);
  if (!session.has(CAP_NO_IMPLICIT_NAMES)) replyNames(session, channel);
  if (session.has(CAP_CHATHISTORY) || ircd.options.playbackLines === 0) return;
  const synced = ircd.mesh.synced(channel);
  if (synced === undefined) return playHistory(ircd, session, channel);
  session.awaitedCount++;
  session.shownEarly ??= new Set();
  void synced.then(() => {
    if (!session.closed && channel.members.has(session.user as User)) playHistory(ircd, session, channel);
    if (--session.awaitedCount === 0) session.shownEarly = undefined;
  });
}

function leave(ircd: Ircd, user: User, channel: Channel, reason: string): void {
  ircd.network.part(user, channel, reason);
  ircd.mesh.own.parted(user, channel, reason);
}

function handlePart(ircd: Ircd, session: Session, line: Line, user: User): void {
  const reason = cutText(line.params[1] ?? '', REASON_BYTES_MAX);
  for (const name of (line.params[0] as string).split(',')) {
    const channel = joinedChannel(ircd, session, name);
    if (channel !== undefined) leave(ircd, user, channel, reason);
  }
}

function replyTopic(session: Session, channel: Channel): void {
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

function handleInvite(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [nick, name] = line.params as [string | undefined, string | undefined];
  if (nick === undefined) {
    for (const key of user.invites) session.reply(numeric.RPL_INVITELIST, key);
    return session.reply(numeric.RPL_ENDOFINVITELIST, 'End of /INVITE list');
  }
  if (name === undefined) return replyMissing(session, 'INVITE');
  const channel = joinedChannel(ircd, session, name);
  if (channel === undefined) return;
  const target = ircd.network.findUser(nick);
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

const INVITES_MAX = 20;

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
  const target = ircd.network.findUser(nick);
  if (target === undefined) return replyNoNick(session, nick);
  if (!channel.members.has(target)) return replyNotIn(session, target, channel);
  const text = cutText(reason === '' ? user.shown : reason, REASON_BYTES_MAX);
  ircd.network.kick(user, channel, target, text);
  if (target.local) ircd.mesh.own.parted(target, channel, `Kicked by ${user.shown}: ${text}`);
  else session.notice(`${target.shown} is hidden on this node until he joins again; other nodes decide for themselves`);
}

export const channelCommands: CommandTable = {
  JOIN: { paramsMin: 1, usage: 'JOIN <channel>{,<channel>} [<key>{,<key>}] | 0', handle: handleJoin },
  PART: { paramsMin: 1, usage: 'PART <channel>{,<channel>} [:<reason>]', handle: handlePart },
  TOPIC: { paramsMin: 1, usage: 'TOPIC <channel> [:<topic>]', handle: handleTopic },
  NAMES: { usage: 'NAMES <channel>{,<channel>}', handle: handleNames },
  LIST: { usage: 'LIST [<channel, mask or condition>{,<…>}]', handle: handleList },
  INVITE: { usage: 'INVITE [<nick> <channel>]', handle: handleInvite },
  KICK: { paramsMin: 2, usage: 'KICK <channel>{,<channel>} <nick>{,<nick>} [:<reason>]', handle: handleKick },
};
