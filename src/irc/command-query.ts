/** Asking about people: WHO (and WHOX), WHOIS, WHOWAS, USERHOST, ISON. */
import type { Channel } from './channel.ts';
import { CAP_MULTI_PREFIX } from './capabilities.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { fold, matches } from './names.ts';
import * as numeric from './numerics.ts';
import { clockText, inSeconds, replyNoNick, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { packWords } from './text.ts';
import type { User } from './user.ts';

const WHO_MAX = 1000;
const LINE_BYTES = 350;
const WHOX_FIELDS = 'tcuihsnfdlaor';

function handleWho(ircd: Ircd, session: Session, line: Line, user: User): void {
  const [mask = '*', option = ''] = line.params;
  const whox = /^[^%]*%([a-zA-Z]*)(?:,(\d{1,3}))?/.exec(option);
  const show = (target: User, channel: Channel | undefined): void => {
    if (whox === null) replyWho(ircd, session, target, channel);
    else replyWhox(ircd, session, target, channel, (whox[1] as string).toLowerCase(), whox[2] ?? '0');
  };
  const end = (): void => session.reply(numeric.RPL_ENDOFWHO, safeParam(mask), 'End of WHO list');
  const channel = mask.startsWith('#') ? ircd.network.channels.get(fold(mask)) : undefined;
  if (mask.startsWith('#')) {
    if (channel?.isVisible(user) !== true) return end();
    for (const member of channel.members.keys()) {
      if (channel.members.has(user) || !member.hidden) show(member, channel);
    }
    return end();
  }
  const exact = ircd.nicks.find(mask);
  if (exact !== undefined) {
    show(exact, commonChannel(exact, user));
    return end();
  }
  const pattern = fold(mask === '0' ? '*' : mask);
  let count = 0;
  for (const target of ircd.nicks.users.values()) {
    const common = commonChannel(target, user);
    if (target.hidden && target !== user && common === undefined) continue;
    const texts = [target.shown, target.user, target.host, target.real, ircd.serverName, target.prefix];
    if (!texts.some((text) => matches(pattern, fold(text)))) continue;
    if (count++ >= WHO_MAX) break;
    show(target, common);
  }
  end();
}

function commonChannel(target: User, user: User): Channel | undefined {
  for (const channel of target.channels.values()) if (channel.members.has(user)) return channel;
  return undefined;
}

function whoFlags(session: Session, target: User, channel: Channel | undefined): string {
  const away = target.away === undefined ? 'H' : 'G';
  const prefix = channel?.prefixOf(target, session.has(CAP_MULTI_PREFIX)) ?? '';
  return `${away}${target.modes.has('o') ? '*' : ''}${target.bot ? 'B' : ''}${prefix}`;
}

/** People of other nodes are one hop away. */
function hops(target: User): string {
  return target.local ? '0' : '1';
}

function replyWho(ircd: Ircd, session: Session, target: User, channel: Channel | undefined): void {
  session.reply(
    numeric.RPL_WHOREPLY, channel?.name ?? '*', target.user, target.host, ircd.serverName, target.shown,
    whoFlags(session, target, channel), `${hops(target)} ${target.real}`,
  );
}

function replyWhox(
  ircd: Ircd, session: Session, target: User, channel: Channel | undefined, fields: string, token: string,
): void {
  const values: Record<string, string> = {
    t: token, c: channel?.name ?? '*', u: target.user, i: '255.255.255.255', h: target.host, s: ircd.serverName,
    n: target.shown, f: whoFlags(session, target, channel), d: hops(target), l: idleSeconds(ircd, target),
    a: target.account ?? '0', o: channel?.members.get(target)?.op === true ? '1' : 'n/a', r: target.real,
  };
  const wanted = [...WHOX_FIELDS].filter((field) => fields.includes(field));
  session.reply(numeric.RPL_WHOSPCRPL, ...wanted.map((field) => values[field] as string));
}

function idleSeconds(ircd: Ircd, target: User): string {
  // Of another node's user: since his last line that came here, else since he came to the mesh.
  const ms = target.local || target.activeMs > 0 ? ircd.now() - target.activeMs : ircd.wallMs() - target.signonMs;
  return inSeconds(Math.max(0, ms));
}

function handleWhois(ircd: Ircd, session: Session, line: Line): void {
  const nick = line.params[1] ?? (line.params[0] as string);
  if (nick === '') return session.reply(numeric.ERR_NONICKNAMEGIVEN, 'No nickname given');
  const target = ircd.nicks.find(nick.split(',')[0] as string);
  if (target === undefined) replyNoNick(session, nick);
  else replyWhois(ircd, session, target);
  session.reply(numeric.RPL_ENDOFWHOIS, target?.shown ?? safeParam(nick), 'End of /WHOIS list');
}

function replyWhois(ircd: Ircd, session: Session, target: User): void {
  const user = session.user as User;
  const nick = target.shown;
  session.reply(numeric.RPL_WHOISUSER, nick, target.user, target.host, '*', target.real);
  const names: string[] = [];
  for (const channel of target.channels.values()) {
    if (channel.isVisible(user) && (target === user || !target.hidden || channel.members.has(user))) {
      names.push(channel.prefixOf(target, true) + channel.name);
    }
  }
  for (const text of packWords(names, LINE_BYTES)) session.reply(numeric.RPL_WHOISCHANNELS, nick, text);
  session.reply(numeric.RPL_WHOISSERVER, nick, ircd.serverName, ircd.options.networkName);
  if (target.modes.has('o')) session.reply(numeric.RPL_WHOISOPERATOR, nick, 'is an operator of this node');
  if (target.bot) session.reply(numeric.RPL_WHOISBOT, nick, 'is a bot');
  if (target.account !== undefined) session.reply(numeric.RPL_WHOISACCOUNT, nick, target.account, 'is logged in as');
  if (!target.local) {
    session.reply(
      numeric.RPL_WHOISSPECIAL, nick,
      `is on mesh node ${target.home}${target.nick === nick ? '' : ` as ${target.nick}`}`,
    );
  } else if (target === user) {
    session.reply(
      numeric.RPL_WHOISACTUALLY, nick, `${target.user}@${target.host}`,
      session.transport.stream.remoteAddress || '127.0.0.1', 'Actual user@host, Actual IP',
    );
  }
  if (target.away !== undefined) session.reply(numeric.RPL_AWAY, nick, target.away);
  session.reply(
    numeric.RPL_WHOISIDLE, nick, idleSeconds(ircd, target), inSeconds(target.signonMs),
    'seconds idle, signon time',
  );
}

function handleWhowas(ircd: Ircd, session: Session, line: Line): void {
  const [nick, limit] = line.params as [string | undefined, string | undefined];
  if (nick === undefined || nick === '') return session.reply(numeric.ERR_NONICKNAMEGIVEN, 'No nickname given');
  const count = Number(limit ?? '0');
  let found = ircd.nicks.past.filter((past) => fold(past.shown) === fold(nick));
  if (count > 0) found = found.slice(0, count);
  if (found.length === 0) session.reply(numeric.ERR_WASNOSUCHNICK, safeParam(nick), 'There was no such nickname');
  for (const { shown, user, host, real, account, goneMs } of found) {
    session.reply(numeric.RPL_WHOWASUSER, shown, user, host, '*', real);
    if (account !== undefined) session.reply(numeric.RPL_WHOISACCOUNT, shown, account, 'was logged in as');
    session.reply(numeric.RPL_WHOISSERVER, shown, ircd.serverName, clockText(goneMs));
  }
  session.reply(numeric.RPL_ENDOFWHOWAS, safeParam(nick), 'End of WHOWAS');
}

function handleUserhost(ircd: Ircd, session: Session, line: Line): void {
  const found: string[] = [];
  for (const nick of line.params.slice(0, 5)) {
    const target = ircd.nicks.find(nick);
    if (target !== undefined) {
      found.push(`${target.shown}=${target.away === undefined ? '+' : '-'}${target.user}@${target.host}`);
    }
  }
  session.reply(numeric.RPL_USERHOST, found.join(' '));
}

function handleIson(ircd: Ircd, session: Session, line: Line): void {
  const found: string[] = [];
  for (const nick of line.params.join(' ').split(' ').slice(0, 50)) {
    const target = ircd.nicks.find(nick);
    if (target !== undefined) found.push(target.shown);
  }
  session.reply(numeric.RPL_ISON, found.join(' '));
}

export const queryCommands: CommandTable = {
  WHO: { usage: 'WHO [<mask> [%<fields>[,<token>]]]', handle: handleWho },
  WHOIS: { paramsMin: 1, usage: 'WHOIS [<server>] <nick>', handle: handleWhois },
  WHOWAS: { usage: 'WHOWAS <nick> [<count>]', handle: handleWhowas },
  USERHOST: { paramsMin: 1, usage: 'USERHOST <nick>{ <nick>}', handle: handleUserhost },
  ISON: { paramsMin: 1, usage: 'ISON <nick>{ <nick>}', handle: handleIson },
};
