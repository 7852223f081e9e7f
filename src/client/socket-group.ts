/** A group joined over the socket: its own anonymous object on the bus gets the notifications, from the very join on. */
import { lastSeqOf } from '../service/missed.ts';
import type { Table } from '../ubus/blob.ts';
import { decodeTable } from '../ubus/blob.ts';
import type { Call } from '../ubus/bus-object.ts';
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts';
import { makeRoom } from '../encoding/tables.ts';
import { encodeUtf8, isText } from '../ubus/text.ts';
import type {
  Gap, Group, GroupHandler, JoinOptions, Member, MemberEvent, Message, Published, PublishOptions,
} from './client.ts';
import { ClientError } from './client.ts';
import { Listeners, MESSAGE_BYTES_MAX, toBytes } from './client-group.ts';
import type { MessageQueue } from './message-queue.ts';
import type { SocketClient } from './socket-client.ts';

/** Streams whose last message is remembered, to tell after a reconnect what was missed; the oldest is forgotten first. */
const STREAMS_MAX = 1024;

export class SocketGroup implements Group {
  readonly name: string;
  readonly #client: SocketClient;
  readonly #options: JoinOptions;
  readonly #listeners: Listeners;
  readonly #onEnd: () => void;
  /** Last sequence number received, by "source epoch"; and what it was when the connection was lost. */
  readonly #seen = new Map<string, number>();
  #seenBefore = new Map<string, number>();
  /** Notifications that came before the join was answered. */
  #held: (() => void)[] | undefined;
  #object = 0;
  #subscriber = 0;

  constructor(client: SocketClient, name: string, handler: GroupHandler, options: JoinOptions, onEnd: () => void) {
    this.#client = client;
    this.name = name;
    this.#options = options;
    this.#listeners = new Listeners(handler);
    this.#onEnd = onEnd;
  }

  /** Joins on the connection there is now; `again` after it was lost. @throws ClientError */
  async join(again: boolean): Promise<void> {
    this.#held = [];
    this.#subscriber = (await this.#client.connection?.addObject((call) => this.#onNotification(call))) ?? 0;
    const { playoutMs, start, ...more } = this.#options;
    const from = typeof start === 'object' ? start : { start };
    const place = { subscriber: this.#subscriber | 0, resume: again };
    const args = { name: this.name, playout_ms: playoutMs, ...more, ...from, ...place } as Table;
    const answer = await this.#client.call('meshchat.groups', 'join', args);
    const id = (answer['id'] as number) >>> 0;
    // Another object: the daemon was not in the group all the time, whoever of us came back first.
    const left = again && id !== this.#object;
    this.#object = id;
    const history = (answer['history'] as Table[]).map(toMessage);
    this.#client.runtime.later(() => this.#joined(again, left, history));
  }

  publish(data: Uint8Array | string, options: PublishOptions = {}): Promise<Published> {
    return this.#send('publish', data, options);
  }

  async datagram(data: Uint8Array | string, { to }: { to?: string | undefined } = {}): Promise<void> {
    await this.#send('datagram', data, { to });
  }

  async members(): Promise<Member[]> {
    const { members } = await this.#invoke('members', {});
    return (members as Table[]).map(({ address, epoch, self, stale, rtt_ms }) => (
      { address, epoch: (epoch as number) >>> 0, self, stale, rttMs: rtt_ms } as Member
    ));
  }

  /** What this daemon still keeps of the group, oldest first per source; `last`: at most so many. */
  async history(options: { last?: number } = {}): Promise<Message[]> {
    const { messages } = await this.#invoke('history', { last: options.last });
    return (messages as Table[]).map(toMessage);
  }

  /** Messages as an async iteration, beside or instead of the handler; ends with leave() or close(). */
  [Symbol.asyncIterator](): MessageQueue {
    return this.#listeners.iterate();
  }

  async leave(): Promise<void> {
    if (this.#listeners.ended) return;
    this.end();
    const { connection } = this.#client;
    if (connection === undefined) return;
    await this.#client.call('meshchat.groups', 'leave', { name: this.name });
    await connection.removeObject(this.#subscriber);
  }

  /** Left, the client closed, or it could not be joined again: no more events. */
  end(error?: ClientError): void {
    const { ended, handler } = this.#listeners;
    this.#listeners.end();
    this.#onEnd();
    if (error !== undefined && !ended) handler.onEnd?.(error);
  }

  async #invoke(method: string, args: Table): Promise<Table> {
    if (this.#listeners.ended) throw new ClientError('INVALID_ARGUMENT', `${this.name} has been left`);
    return this.#client.invoke(this.#object, method, args);
  }

  async #send(method: string, data: Uint8Array | string, { to, wait }: PublishOptions): Promise<Published> {
    const bytes = toBytes(data, MESSAGE_BYTES_MAX);
    const payload = isText(bytes) ? { text: bytes } : { data: encodeBase64(bytes) };
    try {
      const { seq, epoch, room } = await this.#invoke(method, { ...payload, to, wait });
      return { seq: (seq as number) >>> 0, epoch: (epoch as number) >>> 0, room: room as number };
    } catch (error) {
      if (error instanceof ClientError && error.status === 'NO_MEMORY') throw new ClientError('BUSY', error.message);
      throw error;
    }
  }

  #joined(again: boolean, left: boolean, history: Message[]): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#seenBefore = new Map(this.#seen);
    if (again) this.#listeners.handler.onRejoin?.();
    if (left) this.#listeners.gap({ source: '', epoch: 0, from: 0, to: 0, reason: 'client' });
    for (const message of history) this.#message(message);
    for (const event of held) event();
  }

  #message(message: Message): void {
    const { source, epoch, seq } = message;
    const stream = `${source} ${epoch}`;
    if (!message.addressed) {
      const last = this.#seenBefore.get(stream);
      if (last !== undefined) {
        const from = (last + 1) >>> 0;
        if (((seq - from) | 0) < 0) return; // had before the connection was lost; numbers wrap
        this.#seenBefore.delete(stream);
        if (seq !== from) this.#listeners.gap({ source, epoch, from, to: (seq - 1) >>> 0, reason: 'client' });
      }
      this.#seen.delete(stream);
      makeRoom(this.#seen, STREAMS_MAX);
      this.#seen.set(stream, lastSeqOf(message));
    }
    this.#listeners.message(message);
  }

  #onNotification(call: Call): void {
    const { method } = call;
    const table = decodeTable(call.data);
    call.finish(0);
    if (table === undefined) return;
    if (this.#held === undefined) this.#notified(method, table);
    else this.#held.push(() => this.#notified(method, table));
  }

  #notified(method: string, table: Table): void {
    const source = table['source'] as string;
    const epoch = (table['epoch'] as number) >>> 0;
    switch (method) {
      case 'message':
        return this.#message(toMessage(table));
      case 'datagram':
        return this.#listeners.datagram({ source, data: dataOf(table) });
      case 'member':
        return this.#listeners.member({ address: table['address'], state: table['state'], epoch } as MemberEvent);
      case 'gap': {
        const { from, to, reason, addressed } = table as unknown as Required<Gap>;
        return this.#listeners.gap({ source, epoch, from: from >>> 0, to: to >>> 0, reason, addressed });
      }
    }
  }
}

function dataOf({ text, data }: Table): Uint8Array {
  if (typeof text === 'string') return encodeUtf8(text);
  return (typeof data === 'string' ? decodeBase64(data) : undefined) ?? new Uint8Array(0);
}

function toMessage(table: Table): Message {
  const { source, epoch, seq, addressed, own, time } = table;
  return {
    source: source as string,
    epoch: (epoch as number) >>> 0,
    seq: (seq as number) >>> 0,
    data: dataOf(table),
    addressed: addressed === true,
    own: own === true,
    timeMs: time as number,
  };
}
