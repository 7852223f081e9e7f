/**
 * What each option means, for people: the documentation and the comments of the default file. Not part of the daemon.
 * The type makes a missing or superfluous text an error of the compiler.
 */
import type { AccountOptions, DaemonOptions, GroupOptions, IrcOptions, MainOptions, MeshOptions } from './options.ts';

export interface SectionHelp<T> {
  about: string;
  /** Options of a commented example in the default file. */
  example?: [option: string, value: string][];
  options: Record<keyof T, string>;
}

const meshchat: SectionHelp<MainOptions> = {
  about: 'The daemon. One section, named main.',
  options: {
    enabled: 'Start the daemon.',
    log: 'What goes to the system log: this level and the graver ones.',
    port: 'UDP port on each of our mesh addresses. The nodes of one mesh should agree on it.',
    socket: 'Control socket: every local program that may use it takes part in groups through it. OpenWrt: a name in /var/run/meshchat.',
    socketMode: 'File mode of the control socket.',
    socketGroup: 'OpenWrt: group of the control socket, whose members may then use it. Empty: meshchat.',
    systemBus: 'Socket of the system\'s ubus, where the same objects are registered once it exists.',
    stateDir: 'Where the little is kept that outlives a restart. On flash storage it is written at each start.',
    probesPerMinute: 'Greetings to nodes that have not answered yet, at most.',
    peersMax: 'Peers that have answered, at most.',
    logBytes: 'Own messages kept for repair, per group.',
    logBytesTotal: 'The same, of all groups together.',
    retainSeconds: 'How long own messages are kept for repair at most.',
  },
};

const mesh: SectionHelp<Omit<MeshOptions, 'name'>> = {
  about: 'A mesh through which others are found. Any number. None: cjdns, Yggdrasil where they are, else loopback.',
  example: [['type', 'static'], ['address', 'br-lan'], ['peer', '192.168.1.2']],
  options: {
    type: 'cjdns, yggdrasil: ask the mesh\'s own daemon; static: a list; lan: look for neighbours on an interface.',
    enabled: 'Use this mesh.',
    adminAddress: 'cjdns: address of its admin port. Empty: as cjdns is configured.',
    adminPort: 'cjdns: its admin port. Empty: as cjdns is configured.',
    adminPassword: 'cjdns: its admin password. Empty: as cjdns is configured.',
    socket: 'yggdrasil: its admin socket. Empty: the usual places.',
    crawl: 'yggdrasil: ask distant nodes for their peers too. For networks of your own only.',
    address: 'static: own addresses, or interfaces whose addresses are used. Empty: those nearest to the peers.',
    peer: 'static: other nodes.',
    interface: 'lan: interfaces on which neighbours are looked for.',
  },
};

const group: SectionHelp<GroupOptions> = {
  about: 'A group that is joined at start and kept, for programs that come and go. Any number.',
  example: [['name', 'sensors'], ['delivery', 'reliable'], ['start', '100']],
  options: {
    name: 'The group\'s name.',
    delivery: 'reliable: all is repaired, or its loss is told; timely: as long as it is in time; datagram: nothing is.',
    ordered: 'Messages of one source in their order; else as they arrive, each once.',
    start: 'What we want of each member: only what comes, all it still has, or its last messages (254 at most).',
    slow: 'When a member is too slow: lag, it loses with notice; block, the sender waits; evict, it is dropped.',
    repair: 'direct: ask the source; srm: ask the group and repair for each other.',
    playoutMs: 'timely: deadline after the sending.',
  },
};

const irc: SectionHelp<IrcOptions> = {
  about: 'The IRC server. One section.',
  options: {
    enabled: 'Run the IRC server.',
    listen: 'Where IRC clients connect.',
    websocket: 'Where IRC clients in browsers connect.',
    tlsListen: 'Where IRC clients connect with TLS; Node only.',
    tlsCert: 'Certificate for TLS, PEM. A renewed one is taken over with a reload.',
    tlsKey: 'Its key.',
    interface: 'OpenWrt: networks on whose address IRC listens too, on the port of the first listen entry.',
    networkName: 'Name of the network, as clients show it.',
    serverName: 'Name of the server, as clients show it.',
    password: 'Password that clients must give. Empty: none.',
    motd: 'Message of the day, a value for each line.',
    adminInfo: 'Who runs this server: the answer to ADMIN, a value for each line.',
    autojoin: 'Channels that each client joins by itself.',
    clientsMax: 'Clients at the same time.',
    flood: 'Lines per second that a client may send on average; 0: no limit.',
    historyLines: 'Lines kept of each channel.',
    historyBytes: 'The same in bytes.',
    historyHours: 'How long lines are kept.',
    playbackLines: 'Lines shown to a client that joins a channel.',
    hide: 'Nodes whose people\'s lines are not shown.',
    ban: 'Nodes that are treated as absent.',
    allow: 'When given: only these nodes are present.',
  },
};

const account: SectionHelp<AccountOptions> = {
  about: 'A nick that takes a password on IRC (SASL PLAIN). Any number.',
  example: [['name', 'alice'], ['password', 'pbkdf2-sha256$20000$c2FsdA==$aGFzaA==']],
  options: {
    name: 'The nick.',
    password: 'Hash of the password, as meshchat genpasswd makes it.',
    operator: 'May also become operator: OPER with this name and password.',
  },
};

export const HELP: Record<keyof DaemonOptions, SectionHelp<Record<string, unknown>>> = {
  meshchat, mesh, group, irc, account,
};
