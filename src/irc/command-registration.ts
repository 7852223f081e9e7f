/** Registration: CAP, PASS, NICK, USER, AUTHENTICATE; and PING, PONG, QUIT, which may come at any time. */
import { decodeBase64 } from '../encoding/base64.ts';
import { CAPABILITIES, CAP_NOTIFY, CAP_SASL, capabilityNames, listCapabilities } from './capabilities.ts';
import { joinChannel } from './command-join.ts';
import { replyLusers, replyMotd } from './command-server.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { cleanReal, cleanUser, isNick, REASON_BYTES_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { clockText, replyMissing, replySupport, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { cutText, decodeText, packWords } from './text.ts';
import { User } from './user.ts';

const CAP_LINE_BYTES = 400;
const SASL_BYTES_MAX = 2048;
const AUTHENTICATE_CHUNK = 400;

function handleCap(ircd: Ircd, session: Session, line: Line): void {
  const sub = (line.params[0] as string).toUpperCase();
  const hidden = ircd.accounts.count > 0 ? 0 : CAP_SASL;
  if (sub === 'LS') {
    session.negotiating = session.user === undefined;
    session.capVersion = Math.max(session.capVersion, Number(line.params[1]) || 301);
    if (session.capVersion >= 302) session.caps |= CAP_NOTIFY;
    sendCaps(session, 'LS', listCapabilities(session.capVersion >= 302, hidden));
  } else if (sub === 'LIST') {
    sendCaps(session, 'LIST', capabilityNames(session.caps));
  } else if (sub === 'REQ') {
    session.negotiating ||= session.user === undefined;
    requestCaps(session, line.params[1] ?? '', hidden);
  } else if (sub === 'END') {
    session.negotiating = false;
    if (session.user === undefined) tryRegister(ircd, session);
  } else {
    session.reply(numeric.ERR_INVALIDCAPCMD, safeParam(line.params[0] as string), 'Invalid CAP command');
  }
}

function sendCaps(session: Session, sub: string, names: readonly string[]): void {
  const lines = session.capVersion >= 302 ? packWords(names, CAP_LINE_BYTES) : [names.join(' ')];
  for (const text of lines.slice(0, -1)) session.line('CAP', session.name, sub, '*', text);
  session.line('CAP', session.name, sub, lines.at(-1) ?? '');
}

function requestCaps(session: Session, text: string, hidden: number): void {
  const names = text.split(' ').filter((name) => name !== '');
  let caps = session.caps;
  for (const name of names) {
    const off = name.startsWith('-');
    const bit = CAPABILITIES.get(off ? name.slice(1) : name) ?? 0;
    if (bit === 0 || (!off && (bit & hidden) !== 0) || (off && bit === CAP_NOTIFY && session.capVersion >= 302)) {
      return session.line('CAP', session.name, 'NAK', text);
    }
    caps = off ? caps & ~bit : caps | bit;
  }
  session.line('CAP', session.name, 'ACK', text);
  session.caps = caps;
}

function handlePass(_ircd: Ircd, session: Session, line: Line): void {
  session.password = line.params[0] as string;
}

function handleUser(ircd: Ircd, session: Session, line: Line): void {
  const [name, , , real] = line.params as [string, string, string, string];
  if (name === '' || real === '') return replyMissing(session, 'USER');
  session.userName = cleanUser(name);
  session.real = cleanReal(real);
  tryRegister(ircd, session);
}

function handleNick(ircd: Ircd, session: Session, line: Line): void {
  const nick = line.params[0] ?? '';
  if (nick === '') return session.reply(numeric.ERR_NONICKNAMEGIVEN, 'No nickname given');
  if (!isNick(nick)) return session.reply(numeric.ERR_ERRONEUSNICKNAME, safeParam(nick), 'Erroneous nickname');
  const user = session.user;
  if (user === undefined) {
    const other = ircd.nicks.find(nick);
    if (other !== undefined && other.account === undefined) return replyInUse(session, nick);
    session.nick = nick;
    return tryRegister(ircd, session);
  }
  if (nick === user.nick) return;
  const other = ircd.nicks.find(nick);
  if (other !== undefined && other !== user) return replyInUse(session, nick);
  ircd.nicks.rename(user, nick);
  ircd.mesh.own.changed(user);
}

function replyInUse(session: Session, nick: string): void {
  session.reply(numeric.ERR_NICKNAMEINUSE, nick, 'Nickname is already in use');
}

/** Completes the registration when everything is there. */
function tryRegister(ircd: Ircd, session: Session): void {
  if (session.negotiating || session.nick === '' || session.userName === '') return;
  const { options, network } = ircd;
  if (options.password !== '' && session.password !== options.password) {
    session.reply(numeric.ERR_PASSWDMISMATCH, 'Password incorrect');
    return ircd.close(session, 'Password incorrect', 'Closing Link: (Password incorrect)');
  }
  const other = ircd.nicks.find(session.nick);
  if (other !== undefined && (!other.local || other.account === undefined || other.account !== session.account)) {
    replyInUse(session, session.nick);
    session.nick = '';
    return;
  }
  const facts = {
    nick: session.nick, user: session.userName, real: session.real, account: session.account, away: undefined,
    bot: false, hidden: false,
    signonMs: ircd.wallMs(),
  };
  const user = other ?? new User('', ircd.nextUid(), network.host, facts);
  session.user = user;
  user.sessions.push(session);
  user.activeMs = ircd.now();
  if (other === undefined) {
    ircd.nicks.add(user);
    ircd.mesh.own.changed(user);
  }
  welcome(ircd, session, user);
  const names = other === undefined ? [...options.autojoin, ...ircd.conversations.channels(user)] : [];
  for (const channel of user.channels.values()) names.push(channel.name);
  for (const name of new Set(names)) joinChannel(ircd, session, name, '');
}

function welcome(ircd: Ircd, session: Session, user: User): void {
  const { serverName, version, options } = ircd;
  session.reply(numeric.RPL_WELCOME, `Welcome to the ${options.networkName} network, ${user.shown}`);
  session.reply(numeric.RPL_YOURHOST, `Your host is ${serverName}, running ${version}`);
  session.reply(numeric.RPL_CREATED, `This server was started ${clockText(ircd.startedMs)}`);
  session.reply(numeric.RPL_MYINFO, serverName, version, 'BTio', 'CIbeiklmnostv', 'Ibeklov');
  replySupport(ircd, session);
  replyLusers(ircd, session);
  replyMotd(ircd, session);
}

function handleAuthenticate(ircd: Ircd, session: Session, line: Line): void | Promise<() => void> {
  const param = line.params[0] as string;
  const failed = (text = 'SASL authentication failed'): void => {
    session.sasl = undefined;
    session.reply(numeric.ERR_SASLFAIL, text);
  };
  if (!session.has(CAP_SASL)) return failed();
  if (session.account !== undefined) {
    return session.reply(numeric.ERR_SASLALREADY, 'You have already authenticated using SASL');
  }
  if (session.sasl === undefined) {
    if (param.toUpperCase() !== 'PLAIN') {
      if (param !== '*') session.reply(numeric.RPL_SASLMECHS, 'PLAIN', 'are available SASL mechanisms');
      return failed();
    }
    session.sasl = '';
    return session.send('AUTHENTICATE +');
  }
  if (param === '*') {
    session.sasl = undefined;
    return session.reply(numeric.ERR_SASLABORTED, 'SASL authentication aborted');
  }
  if (param.length > AUTHENTICATE_CHUNK) {
    session.sasl = undefined;
    return session.reply(numeric.ERR_SASLTOOLONG, 'SASL message too long');
  }
  if (session.sasl.length + param.length > SASL_BYTES_MAX) return failed();
  if (param !== '+') session.sasl += param;
  if (param.length === AUTHENTICATE_CHUNK) return;
  const text = decodeText(decodeBase64(session.sasl) ?? new Uint8Array(0)) ?? '';
  const [authzid, authcid, password, ...rest] = text.split('\0');
  session.sasl = undefined;
  if (authcid === undefined || password === undefined || rest.length > 0 || authcid === '') return failed();
  if (authzid !== '' && authzid !== authcid) return failed('You may not act for another account');
  return ircd.accounts.check(authcid, password).then(
    (name) => () => (name === undefined ? failed() : logIn(ircd, session, name)),
  );
}

function logIn(ircd: Ircd, session: Session, account: string): void {
  session.account = account;
  const user = session.user;
  const prefix = user?.prefix ?? `${session.name}!${session.userName || '*'}@${ircd.network.host}`;
  session.reply(numeric.RPL_LOGGEDIN, prefix, account, `You are now logged in as ${account}`);
  session.reply(numeric.RPL_SASLSUCCESS, 'SASL authentication successful');
  if (user === undefined) return;
  ircd.network.setAccount(user, account);
  ircd.mesh.own.changed(user);
}

function handlePing(ircd: Ircd, session: Session, line: Line): void {
  const token = line.params[0] as string;
  if (token === '') return session.reply(numeric.ERR_NOORIGIN, 'No origin specified');
  session.line('PONG', ircd.serverName, token);
}

function handleQuit(ircd: Ircd, session: Session, line: Line): void {
  const reason = line.params[0] ?? '';
  const text = reason === '' ? 'Quit' : cutText(`Quit: ${reason}`, REASON_BYTES_MAX);
  ircd.close(session, text, `Closing Link: ${ircd.network.host} (${text})`);
}

export const registrationCommands: CommandTable = {
  CAP: { paramsMin: 1, early: true, usage: 'CAP LS [302] | LIST | REQ :<capabilities> | END', handle: handleCap },
  PASS: { paramsMin: 1, registers: true, usage: 'PASS <password>', handle: handlePass },
  NICK: { early: true, usage: 'NICK <nickname>', handle: handleNick },
  USER: { paramsMin: 4, registers: true, usage: 'USER <username> * * :<real name>', handle: handleUser },
  AUTHENTICATE: { paramsMin: 1, early: true, usage: 'AUTHENTICATE PLAIN | <base64> | *', handle: handleAuthenticate },
  PING: { paramsMin: 1, early: true, usage: 'PING <token>', handle: handlePing },
  PONG: { early: true, usage: 'PONG <token>', handle: () => undefined },
  QUIT: { early: true, usage: 'QUIT [:<reason>]', handle: handleQuit },
};
