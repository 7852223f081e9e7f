/**
 * What the owner of a node may decide about its IRC server. The configuration fills it; defaultIrcOptions() is the
 * rest.
 */

export interface ListenAddress {
  address: string;
  port: number;
}

export interface IrcAccount {
  name: string;
  /** `pbkdf2-sha256$ITERATIONS$SALT$HASH`, salt and hash in base64 (see encoding/password.ts). */
  password: string;
}

export interface IrcOptions {
  enabled: boolean;
  listen: ListenAddress[];
  /** Listeners that speak IRC over WebSocket (text.ircv3.net, binary.ircv3.net). */
  websocket: ListenAddress[];
  /** Listeners with TLS; need tlsCert and tlsKey and a runtime that has it. */
  tlsListen: ListenAddress[];
  tlsCert: string;
  tlsKey: string;
  networkName: string;
  /** What clients see as the name of every server. */
  serverName: string;
  /** PASS that clients must send; '' none. */
  password: string;
  motd: string[];
  adminInfo: string[];
  accounts: IrcAccount[];
  /** Who may say OPER on this node: its owner. Passwords as in accounts. */
  operators: IrcAccount[];
  /** Channels that a client joins by itself after registration. */
  autojoin: string[];
  clientsMax: number;
  clientsPerAddressMax: number;
  /** Lines per second that one client may send on average; more waits (it is never dropped). 0: no limit. */
  floodLinesPerSecond: number;
  floodBurstLines: number;
  /** Lines per second that one node of the mesh may bring on average; more is dropped and counted. */
  peerLinesPerSecond: number;
  peerBurstLines: number;
  /** Silence after which a client is asked with PING, and then given up, ms each. */
  pingMs: number;
  pingTimeoutMs: number;
  registrationMs: number;
  /** Bytes that wait for a slow reader before it is closed with "SendQ exceeded". */
  sendQueueBytesMax: number;
  /** Per channel. */
  historyLines: number;
  historyBytes: number;
  historyMs: number;
  /** Lines shown at JOIN to clients that do not fetch history themselves. */
  playbackLines: number;
  /**
   * Mesh addresses: their users' lines are not shown / they are treated as absent / only these are present ([] all).
   */
  hide: string[];
  ban: string[];
  allow: string[];
}

export function defaultIrcOptions(): IrcOptions {
  return {
    enabled: true, listen: [{ address: '127.0.0.1', port: 6667 }], websocket: [],
    tlsListen: [], tlsCert: '', tlsKey: '',
    networkName: 'meshchat', serverName: 'irc.mesh', password: '', motd: [], adminInfo: [],
    accounts: [], operators: [], autojoin: [],
    clientsMax: 1000, clientsPerAddressMax: 1000, floodLinesPerSecond: 0, floodBurstLines: 200,
    peerLinesPerSecond: 200, peerBurstLines: 5000, pingMs: 90_000, pingTimeoutMs: 60_000, registrationMs: 30_000,
    sendQueueBytesMax: 1 << 20, historyLines: 500, historyBytes: 128 << 10, historyMs: 24 * 3600_000, playbackLines: 50,
    hide: [], ban: [], allow: [],
  };
}
