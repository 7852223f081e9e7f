/**
 * What is said to one person of another node: lines, their redactions, invitations. Addressed to his node, to nobody
 * else.
 */
import type { Message } from '../client/client.ts';
import { makeRoom } from '../encoding/tables.ts';
import type { Channel } from './channel.ts';
import { showInvite } from './command-channel.ts';
import { showPrivateRedaction } from './command-redact.ts';
import type { Directory } from './directory.ts';
import type { Entry } from './history.ts';
import type { Ircd } from './ircd.ts';
import { isCtcp } from './line.ts';
import { msgidOf } from './line-id.ts';
import {
  encodeMessage, encodeText, LIVE_MS_MAX, readChannel, readCount, readReason, readText, readUid, readWord,
} from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { isListed } from './names.ts';
import { deliverPrivate } from './saying.ts';
import type { User } from './user.ts';

const SEEN_MAX = 1000;

interface Counters {
  malformed: number;
  hidden: number;
  linesOut: number;
}

export class PrivateLines {
  readonly #directory: Directory;
  readonly #ircd: () => Ircd;
  readonly #counters: Counters;
  readonly #seen = new Set<string>();
  #count = 0;

  constructor(directory: Directory, ircd: () => Ircd, counters: Counters) {
    this.#directory = directory;
    this.#ircd = ircd;
    this.#counters = counters;
  }

  next(): number {
    return ++this.#count;
  }

  // --- out --------------------------------------------------------------------------------------------------------

  #head(kind: string, user: User, target: User): Fields {
    return { t: kind, e: this.#directory.own.run, v: this.#directory.own.version, u: user.uid, d: target.uid };
  }

  async #send(target: User, fields: Fields): Promise<boolean> {
    try {
      await this.#directory.group?.publish(encodeMessage(fields), { to: target.home });
      return this.#directory.group !== undefined;
    } catch {
      return false; // He has gone; the sender is told.
    }
  }

  /** @returns false when his node can not be reached. */
  tell(user: User, target: User, entry: Entry): Promise<boolean> {
    this.#counters.linesOut++;
    return this.#send(target, { ...this.#head('m', user, target), n: entry.origin?.n, ...encodeText(entry) });
  }
  hint(user: User, target: User, entry: Entry): void {
    const data = encodeMessage({ ...this.#head('m', user, target), n: 0, ...encodeText(entry) });
    void this.#directory.group?.datagram(data, { to: target.home }).catch(() => undefined);
  }
  redact(user: User, target: User, msgid: string, reason: string): void {
    void this.#send(target, { ...this.#head('r', user, target), i: msgid, x: reason });
  }
  invite(user: User, target: User, channel: Channel): void {
    void this.#send(target, { ...this.#head('i', user, target), c: channel.name });
  }

  // --- in ---------------------------------------------------------------------------------------------------------

  onMessage(message: Pick<Message, 'source' | 'addressed'>, fields: Fields): void {
    const ircd = this.#ircd();
    const { source } = message;
    const from = this.#directory.user(source, readUid(fields['u']) ?? '');
    const uid = readUid(fields['d']);
    const target = [...ircd.nicks.users.values()].find((user) => user.local && user.uid === uid);
    if (from === undefined || target === undefined || !message.addressed) return void this.#counters.malformed++;
    if (isListed(ircd.options.hide, source)) return void this.#counters.hidden++;
    if (fields['t'] === 'r') return this.#onRedaction(source, from, target, fields);
    if (fields['t'] === 'm') return this.#onLine(source, from, target, fields);
    const name = readChannel(fields['c']);
    if (name === undefined) return void this.#counters.malformed++;
    showInvite(ircd, from, target, name);
  }

  #onLine(source: string, from: User, target: User, fields: Fields): void {
    const text = readText(fields, this.#ircd().wallMs(), LIVE_MS_MAX);
    const n = readCount(fields['n']);
    if (text === undefined || n < 0) return void this.#counters.malformed++;
    const stream = `${readCount(fields['e']).toString(36)}/0`;
    const msgid = msgidOf(source, stream, n);
    if (n > 0 && !this.#take(msgid)) return;
    from.activeMs = this.#ircd().now();
    const origin = { address: source, stream, n, nick: from.nick, user: from.user };
    if (target.modes.has('T') && isCtcp(text.lines)) return;
    const entry = { ...text, msgid, source: from.prefix, target: target.shown, origin };
    deliverPrivate(this.#ircd(), from, target, entry, n === 0);
  }

  #onRedaction(source: string, from: User, target: User, fields: Fields): void {
    const msgid = readWord(fields['i'], 200);
    // Only the node that brought a line can take it back.
    if (!msgid.startsWith(`${source}/`)) return void this.#counters.malformed++;
    showPrivateRedaction(this.#ircd(), from, target, msgid, readReason(fields['x']));
  }

  /** @returns false when the line has come before. */
  #take(msgid: string): boolean {
    if (this.#seen.has(msgid)) return false;
    makeRoom(this.#seen, SEEN_MAX);
    this.#seen.add(msgid);
    return true;
  }
}
