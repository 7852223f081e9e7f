/** Coming to channels and leaving them: JOIN, PART. Who may come in, and what he is told of the channel then. */
import { CAP_CHATHISTORY, CAP_NO_IMPLICIT_NAMES, CAP_READ_MARKER } from './capabilities.ts';
import type { Channel } from './channel.ts';
import { replyTopic } from './command-channel.ts';
import { replyMarker, playHistory } from './command-history.ts';
import { replyNames } from './command-list.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { CHANNELS_PER_USER_MAX, fold, isChannel, REASON_BYTES_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { joinedChannel, replyNoChannel, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { cutText } from './text.ts';
import type { User } from './user.ts';

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
    ircd.mesh.channels.joined(user, channel);
    ircd.mesh.own.joined(user, channel, joinedMs);
  }
  for (const one of again ? [session] : user.sessions) enter(ircd, one, channel);
}

/** What a client is told of a channel that it has come into. */
function enter(ircd: Ircd, session: Session, channel: Channel): void {
  if (channel.topic !== undefined && channel.topic.text !== '') replyTopic(session, channel);
  if (session.has(CAP_READ_MARKER)) replyMarker(ircd, session, channel.name);
  if (!session.has(CAP_NO_IMPLICIT_NAMES)) replyNames(session, channel);
  if (session.has(CAP_CHATHISTORY) || ircd.options.playbackLines === 0) return;
  const synced = ircd.mesh.channels.synced(channel);
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

export const joinCommands: CommandTable = {
  JOIN: { paramsMin: 1, usage: 'JOIN <channel>{,<channel>} [<key>{,<key>}] | 0', handle: handleJoin },
  PART: { paramsMin: 1, usage: 'PART <channel>{,<channel>} [:<reason>]', handle: handlePart },
};
