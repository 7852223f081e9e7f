/** Replies that several commands give, and how values are written in them. */
import type { Channel } from './channel.ts';
import type { Ircd } from './ircd.ts';
import { isupport } from './isupport.ts';
import { fold } from './names.ts';
import * as numeric from './numerics.ts';
import type { Session } from './session.ts';
import { cutText } from './text.ts';
import { formatTime } from '../encoding/time.ts';
import type { User } from './user.ts';

/** The parameter as it may stand in the middle of a reply. */
export function safeParam(text: string): string {
  return text === '' || text[0] === ':' || text.includes(' ') ? '*' : cutText(text, 200);
}

export function inSeconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}

/** A time for people to read. */
export function clockText(ms: number): string {
  return `${formatTime(ms).slice(0, 19).replace('T', ' ')} UTC`;
}

export function replyMissing(session: Session, command: string): void {
  session.reply(numeric.ERR_NEEDMOREPARAMS, command, 'Not enough parameters');
}
export function replyNoNick(session: Session, nick: string): void {
  session.reply(numeric.ERR_NOSUCHNICK, safeParam(nick), 'No such nick');
}
export function replyNoChannel(session: Session, name: string): void {
  session.reply(numeric.ERR_NOSUCHCHANNEL, safeParam(name), 'No such channel');
}
export function replyNotIn(session: Session, user: User, channel: Channel): void {
  session.reply(numeric.ERR_USERNOTINCHANNEL, user.shown, channel.name, 'They are not on that channel');
}
export function replySupport(ircd: Ircd, session: Session): void {
  for (const tokens of isupport(ircd)) session.reply(numeric.RPL_ISUPPORT, ...tokens, 'are supported by this server');
}

/** @returns the channel when the user is in it; else replies and returns undefined. */
export function joinedChannel(ircd: Ircd, session: Session, name: string): Channel | undefined {
  const channel = ircd.network.channels.get(fold(name));
  const user = session.user as User;
  if (channel === undefined) replyNoChannel(session, name);
  else if (channel.members.has(user)) return channel;
  else session.reply(numeric.ERR_NOTONCHANNEL, channel.name, 'You are not on that channel');
  return undefined;
}

/** @returns whether the user is an operator of the channel; else he is told. */
export function requireOp(session: Session, channel: Channel): boolean {
  if (channel.members.get(session.user as User)?.op === true) return true;
  session.reply(numeric.ERR_CHANOPRIVSNEEDED, channel.name, 'You are not a channel operator on this node');
  return false;
}
