/**
 * What the daemon can be told, typed. A field `socketMode` is the UCI option `socket_mode`; schema.ts says for each
 * which values are allowed, its default and whether a running daemon can take a new one; help.ts explains it.
 */
import type { Endpoint } from './field.ts';

/** `config meshchat 'main'` */
export interface MainOptions {
  enabled: boolean;
  log: 'error' | 'warn' | 'info' | 'debug';
  /** UDP port on every own mesh address. */
  port: number;
  socket: string;
  socketMode: number;
  /** '': the daemon's own group. Only the init script reads it: the socket gets the group of its folder. */
  socketGroup: string;
  /** Path of the system's ubus socket, used once it exists; '': off. */
  systemBus: string;
  stateDir: string;
  /** Greetings to nodes that have not answered yet. */
  probesPerMinute: number;
  peersMax: number;
  /** Messages of ours kept for repair, bytes per stream. */
  logBytes: number;
  /** The same over all streams. */
  logBytesTotal: number;
  /** How long they are kept at most. */
  retainSeconds: number;
}

/** `config mesh`; which fields count depends on `type`. */
export interface MeshOptions {
  /** The section's name; for an anonymous section its type, from the second one on with a number. */
  name: string;
  type: 'cjdns' | 'yggdrasil' | 'static' | 'lan';
  enabled: boolean;
  /** cjdns: where its admin port is; '' and 0: as cjdns's own configuration says. */
  adminAddress: string;
  adminPort: number;
  adminPassword: string;
  /** yggdrasil: path of the admin socket or HOST:PORT; '': the usual places. */
  socket: string;
  /** yggdrasil: also ask distant nodes for their peers. */
  crawl: boolean;
  /** static: own addresses or interface names. */
  address: string[];
  /** static: ADDRESS, V4:PORT or [V6]:PORT. */
  peer: string[];
  /** lan: interface names. */
  interface: string[];
}

/** `config group`: joined at start and kept. A client's JoinOptions with a name. */
export interface GroupOptions {
  name: string;
  delivery: 'reliable' | 'timely' | 'datagram';
  ordered: boolean;
  start: 'now' | 'all' | { last: number };
  slow: 'lag' | 'block' | 'evict';
  repair: 'direct' | 'srm';
  playoutMs: number;
}

/** `config irc` */
export interface IrcOptions {
  enabled: boolean;
  listen: Endpoint[];
  /** The same for IRC over WebSocket, and for IRC with TLS. */
  websocket: Endpoint[];
  tlsListen: Endpoint[];
  tlsCert: string;
  tlsKey: string;
  /** Names of OpenWrt networks; only the init script reads it and adds their addresses to `listen`. */
  interface: string[];
  networkName: string;
  /** What clients see as the name of every server. */
  serverName: string;
  /** '': none. */
  password: string;
  motd: string[];
  /** Answer to ADMIN. */
  adminInfo: string[];
  /** Channels that each client joins by itself. */
  autojoin: string[];
  clientsMax: number;
  /** Lines per second that a client may send on average; 0: no limit. */
  flood: number;
  /** Kept per channel. */
  historyLines: number;
  historyBytes: number;
  historyHours: number;
  /** Lines shown at JOIN. */
  playbackLines: number;
  /**
   * Nodes, in canonical text: their lines are not shown / they are treated as absent / only these are present ([]:
   * all).
   */
  hide: string[];
  ban: string[];
  allow: string[];
}

/** `config account`: a name that needs a password on IRC. */
export interface AccountOptions {
  name: string;
  /** `pbkdf2-sha256$ITERATIONS$SALT$HASH`, salt and hash in base64. */
  password: string;
  /** May also say OPER with that name and password. */
  operator: boolean;
}

export interface DaemonOptions {
  meshchat: MainOptions;
  mesh: MeshOptions[];
  group: GroupOptions[];
  irc: IrcOptions;
  account: AccountOptions[];
}
