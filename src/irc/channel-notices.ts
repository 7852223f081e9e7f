/** What the server itself tells people in a channel about the mesh: what is missing, not sent, cut off. */
import type { Log } from '../runtime/log.ts';
import type { Channel } from './channel.ts';
import { formatLine } from './line.ts';
import type { Network } from './network.ts';
import type { Session } from './session.ts';

interface Counters {
  gapsTold: number;
  unsent: number;
}

const CUT_OFF = 'Cut off from other nodes: ';

export class ChannelNotices {
  readonly #network: Network;
  readonly #log: Log;
  readonly #counters: Counters;

  constructor(network: Network, log: Log, counters: Counters) {
    this.#network = network;
    this.#log = log;
    this.#counters = counters;
  }

  /** "3 messages from bob@fc12… may be missing" */
  missing(channel: Channel, source: string, count: number): void {
    this.#counters.gapsTold++;
    const names = [...channel.members.keys()].filter((user) => user.home === source).map((user) => user.shown);
    const who = names.length === 1 ? `${names[0] as string}@${source}` : source;
    this.#tell(channel, `${count} message${count === 1 ? '' : 's'} from ${who} may be missing`);
  }

  /** Something that our users said does not reach the other nodes. */
  unsent(channel: Channel, reason: string): void {
    this.#counters.unsent++;
    this.#warn(channel, `Not sent to other nodes: ${reason}`);
  }

  cutOff(channel: Channel, reason: string): void {
    this.#warn(channel, CUT_OFF + reason);
  }
  /** To the clients of somebody who comes to a channel that is cut off. */
  stillCutOff(channel: Channel, reason: string, sessions: readonly Session[]): void {
    this.#tell(channel, CUT_OFF + reason, sessions);
  }
  connected(channel: Channel): void {
    this.#tell(channel, 'Connected to other nodes again');
  }

  #warn(channel: Channel, text: string): void {
    this.#log.warn(`irc: ${channel.name}: ${text}`);
    this.#tell(channel, text);
  }
  #tell(channel: Channel, text: string, sessions: readonly Session[] = channel.sessions): void {
    const line = formatLine(this.#network.options.serverName, 'NOTICE', [channel.name, text]);
    for (const session of sessions) session.send(line);
  }
}
