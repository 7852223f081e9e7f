/** About the server and the mesh: MOTD, LUSERS, VERSION, TIME, ADMIN, INFO, STATS, OPER, KILL, LINKS. */
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import type { Line } from './line.ts';
import { fold, matches, REASON_BYTES_MAX } from './names.ts';
import * as numeric from './numerics.ts';
import { clockText, inSeconds, replySupport, safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { cutText } from './text.ts';
import type { User } from './user.ts';

/** A server parameter names us by our name, a mask of it, or the nick of somebody: all servers are this one. */
function here(ircd: Ircd, session: Session, name: string | undefined): boolean {
  if (name === undefined || name === '' || matches(fold(name), fold(ircd.serverName))) return true;
  if (ircd.nicks.find(name) !== undefined) return true;
  session.reply(numeric.ERR_NOSUCHSERVER, safeParam(name), 'No such server');
  return false;
}

export function replyMotd(ircd: Ircd, session: Session): void {
  const { motd } = ircd.options;
  if (motd.length === 0) return session.reply(numeric.ERR_NOMOTD, 'There is no message of the day');
  session.reply(numeric.RPL_MOTDSTART, `- ${ircd.serverName} Message of the day - `);
  for (const line of motd) session.reply(numeric.RPL_MOTD, `- ${line}`);
  session.reply(numeric.RPL_ENDOFMOTD, 'End of /MOTD command');
}

export function replyLusers(ircd: Ircd, session: Session): void {
  const { network, mesh } = ircd;
  const all = ircd.nicks.users.size;
  const local = ircd.nicks.localUserCount;
  let invisible = 0;
  let operators = 0;
  for (const user of ircd.nicks.users.values()) {
    if (user.hidden) invisible++;
    if (user.modes.has('o')) operators++;
  }
  let unknown = 0;
  for (const other of network.sessions) if (other.user === undefined) unknown++;
  session.reply(
    numeric.RPL_LUSERCLIENT,
    `There are ${all - invisible} users and ${invisible} invisible on ${mesh.nodes.length + 1} servers`,
  );
  session.reply(numeric.RPL_LUSEROP, String(operators), 'IRC Operators online');
  session.reply(numeric.RPL_LUSERUNKNOWN, String(unknown), 'unknown connection(s)');
  session.reply(numeric.RPL_LUSERCHANNELS, String(network.channels.size), 'channels formed');
  session.reply(numeric.RPL_LUSERME, `I have ${local} clients and ${mesh.nodes.length} servers`);
  const max = [ircd.nicks.localUsersMax, ircd.nicks.usersMax];
  session.reply(numeric.RPL_LOCALUSERS, String(local), String(max[0]), `Current local users ${local}, max ${max[0]}`);
  session.reply(numeric.RPL_GLOBALUSERS, String(all), String(max[1]), `Current global users ${all}, max ${max[1]}`);
}

function handleVersion(ircd: Ircd, session: Session, line: Line): void {
  if (!here(ircd, session, line.params[0])) return;
  session.reply(numeric.RPL_VERSION, ircd.version, ircd.serverName, 'IRC over reliable mesh groups');
  replySupport(ircd, session);
}

function handleTime(ircd: Ircd, session: Session, line: Line): void {
  if (!here(ircd, session, line.params[0])) return;
  const ms = ircd.wallMs();
  session.reply(numeric.RPL_TIME, ircd.serverName, inSeconds(ms), '0', clockText(ms));
}

function handleAdmin(ircd: Ircd, session: Session, line: Line): void {
  if (!here(ircd, session, line.params[0])) return;
  const [place = 'A node of the mesh', more = '', mail = 'Ask the owner of this node'] = ircd.options.adminInfo;
  session.reply(numeric.RPL_ADMINME, ircd.serverName, 'Administrative info');
  session.reply(numeric.RPL_ADMINLOC1, place);
  session.reply(numeric.RPL_ADMINLOC2, more);
  session.reply(numeric.RPL_ADMINEMAIL, mail);
}

const INFO = [
  'meshchat: IRC without a server. A person is known by the mesh address of his node: nick!user@address.',
  'nick~ab12 is one of several people with that nick, told apart by the end of the address.',
  'Operators, modes, kicks and bans hold on one node only: they decide what its people see and may say.',
];

function handleInfo(ircd: Ircd, session: Session, line: Line): void {
  if (!here(ircd, session, line.params[0])) return;
  for (const text of INFO) session.reply(numeric.RPL_INFO, text);
  session.reply(
    numeric.RPL_INFO, `${ircd.version}, started ${clockText(ircd.startedMs)}, mesh address ${ircd.network.host}`,
  );
  session.reply(numeric.RPL_ENDOFINFO, 'End of /INFO list');
}

/** u: how long it runs; m: counters. */
function handleStats(ircd: Ircd, session: Session, line: Line): void {
  const letter = line.params[0] ?? '*';
  if (letter === 'u') {
    const seconds = Math.floor((ircd.wallMs() - ircd.startedMs) / 1000);
    const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
    const [hours, ...rest] = clock as [number, number, number];
    const text = `${hours}:${rest.map((part) => String(part).padStart(2, '0')).join(':')}`;
    session.reply(numeric.RPL_STATSUPTIME, `Server Up ${Math.floor(seconds / 86_400)} days ${text}`);
  } else if (letter === 'm') {
    for (const [name, count] of Object.entries(ircd.counters)) {
      session.reply(numeric.RPL_STATSCOMMANDS, name, String(count));
    }
  }
  session.reply(numeric.RPL_ENDOFSTATS, safeParam(letter), 'End of /STATS report');
}

/** Makes him the owner of this node. */
async function handleOper(ircd: Ircd, session: Session, line: Line, user: User): Promise<() => void> {
  const [name, password] = line.params as [string, string];
  const operator = await ircd.accounts.checkOperator(name, password);
  return () => {
    if (operator === undefined) return session.reply(numeric.ERR_PASSWDMISMATCH, 'Password incorrect');
    user.modes.add('o');
    session.reply(numeric.RPL_YOUREOPER, 'You are now an operator of this node');
    session.line('MODE', user.shown, '+o');
  };
}

/** Closes the connections of a user of this node. */
function handleKill(ircd: Ircd, session: Session, line: Line, user: User): void {
  const target = ircd.nicks.find(line.params[0] as string);
  if (!user.modes.has('o')) {
    return session.reply(numeric.ERR_NOPRIVILEGES, 'Permission denied: you are no operator of this node');
  }
  if (target?.local !== true) {
    return session.reply(numeric.ERR_NOSUCHNICK, safeParam(line.params[0] as string), 'No such nick on this node');
  }
  const text = `Killed (${user.shown} (${cutText(line.params[1] ?? 'no reason', REASON_BYTES_MAX)}))`;
  for (const other of [...target.sessions]) ircd.close(other, text, `Closing Link: (${text})`);
}

/** One server name for all nodes; where they are is in the text. */
function handleLinks(ircd: Ircd, session: Session): void {
  const { serverName, mesh, network, options } = ircd;
  session.reply(
    numeric.RPL_LINKS, serverName, serverName,
    `0 ${options.networkName}: this node, ${network.host}, ${ircd.nicks.localUserCount} users`,
  );
  for (const { address, userCount } of mesh.nodes) {
    session.reply(numeric.RPL_LINKS, serverName, serverName, `1 node ${address}, ${userCount} users`);
  }
  session.reply(numeric.RPL_ENDOFLINKS, '*', 'End of /LINKS list');
}

export const serverCommands: CommandTable = {
  MOTD: {
    handle: (ircd, session, line) => {
      if (here(ircd, session, line.params[0])) replyMotd(ircd, session);
    },
  },
  LUSERS: { handle: replyLusers },
  VERSION: { handle: handleVersion },
  TIME: { handle: handleTime },
  ADMIN: { handle: handleAdmin },
  INFO: { handle: handleInfo },
  STATS: { usage: 'STATS u | m', handle: handleStats },
  OPER: { paramsMin: 2, usage: 'OPER <name> <password>', handle: handleOper },
  KILL: { paramsMin: 1, usage: 'KILL <nick> [:<reason>]', handle: handleKill },
  LINKS: { handle: handleLinks },
};
