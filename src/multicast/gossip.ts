/**
 * What members tell each other beside their own words. DIGEST rides on keepalives: who differs about a group's members
 * sends PEERS, so that a join reaches everybody even where discovery is partial. HINT tells of a source that fell
 * silent or restarted: the last of its messages may have reached some members only, nobody else may vouch for them (no
 * relaying), and so those who lack them are told of a gap instead of being left in the dark. Hints confirm nothing:
 * they only raise what is reported as missing.
 */
import type { Alarm } from '../broadcast/alarms.ts';
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import { ALIVE, GONE, type Peer } from '../broadcast/peer.ts';
import { hashText } from '../encoding/hash.ts';
import { makeRoom } from '../encoding/tables.ts';
import { endpointId, formatAddress, identityText, parseAddress } from '../wire/address.ts';
import { FRAME_DIGEST, FRAME_HINT } from '../wire/frame.ts';
import { DIGEST_LENGTH, HINT_LENGTH } from '../wire/gossip.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { GapReason } from './node-output.ts';
import type { ReceiveStream } from './receive-stream.ts';
import type { Session } from './session.ts';

const DIGESTS_MAX = 8;
/** Members that one hint goes to; who learns something from it tells as many again. */
const HINT_FANOUT = 3;
/** Members notice a death at different times. */
const HINT_MS_MIN = 4_000;
const HINT_MS_SPREAD = 4_000;
const ENDINGS_MAX = 512;
const ENDING_MS = 300_000;
/** All hints of one ending together cannot claim more missing messages than this. */
const HINT_REACH_MAX = 10_000;
/** PEERS because of a differing digest, at most once in so long per peer. */
const DIGEST_ANSWER_MS = 10_000;

/** A stream whose source is gone, as far as we had it. */
interface Ending {
  group: Group;
  source: Peer;
  epoch: number;
  /** As far as we had it, or have told that it is missing. */
  high: number;
  /** As far as another member had it, and as far as one may say so. */
  hinted: number;
  hintedMax: number;
  at: number;
  reason: GapReason;
}

export class Gossip implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #context: Context;
  readonly #endings = new Map<string, Ending>();
  readonly #toTell = new Set<Ending>();
  readonly #answeredAt = new WeakMap<Peer, number>();

  constructor(context: Context) {
    this.#context = context;
  }

  // ---- DIGEST

  /** Sum of the members' hashes as we see the group from one of our addresses, and their number. */
  #digest(group: Group, local: number): { count: number; sum: number } {
    let count = 1;
    const own = this.#context.broadcast.locals[local];
    let sum = own === undefined ? 0 : hashText(identityText(own));
    for (const peer of group.peers.values()) {
      for (const way of peer.ways.length > 0 ? peer.ways : [peer]) {
        if (way.state === GONE || way.local !== local) continue;
        count++;
        sum = (sum + hashText(identityText(way))) >>> 0;
      }
    }
    return { count, sum };
  }

  /** Appends digests of the groups shared with this peer to a keepalive. */
  write(peer: Peer, groups: Iterable<Group>, writer: DatagramWriter): void {
    let written = 0;
    for (const group of groups) {
      if (written >= DIGESTS_MAX || writer.room < DIGEST_LENGTH) return;
      if (!group.peers.has(peer.lead.id)) continue;
      const { count, sum } = this.#digest(group, peer.local);
      const { view, bodyAt } = writer;
      view.setUint32(bodyAt, group.idHigh);
      view.setUint32(bodyAt + 4, group.idLow);
      view.setUint16(bodyAt + 8, Math.min(65535, count));
      view.setUint32(bodyAt + 10, sum);
      writer.close(FRAME_DIGEST, 0, bodyAt + DIGEST_LENGTH);
      written++;
    }
  }

  /** Another view of a group we share: tell it whom we know. */
  onDigest(now: number, peer: Peer, group: Group, count: number, sum: number): void {
    const own = this.#digest(group, peer.local);
    if (own.count === count && own.sum === sum) return;
    if (now - (this.#answeredAt.get(peer) ?? -Infinity) < DIGEST_ANSWER_MS) return;
    this.#answeredAt.set(peer, now);
    peer.peersDue = true;
    this.#context.broadcast.outbox.touch(peer);
  }

  // ---- HINT

  /** A stream has ended: its source is gone, or has restarted. */
  onEnd(now: number, stream: ReceiveStream, reason: GapReason): void {
    if (!stream.started) return;
    const { group, peer: source } = stream;
    const name = key(source.id, source.epoch, group);
    const before = this.#endings.get(name);
    const { high } = stream;
    const hinted = before?.hinted ?? high;
    const hintedMax = serialAdd(high, HINT_REACH_MAX);
    const ending = { group, source, epoch: source.epoch, high, hinted, hintedMax, at: now, reason };
    if (reason === 'restart') this.#report(ending);
    this.#endings.delete(name);
    makeRoom(this.#endings, ENDINGS_MAX);
    this.#endings.set(name, ending);
    this.#toTell.add(ending);
    this.#context.alarms.setEarlier(this, now + HINT_MS_MIN + Math.round(HINT_MS_SPREAD * this.#context.random()));
  }

  /** It is heard again under the same epoch: it speaks for itself. */
  onBack(source: Peer): void {
    for (const [name, ending] of this.#endings) {
      if (ending.source !== source || ending.epoch !== source.epoch) continue;
      this.#endings.delete(name);
      this.#toTell.delete(ending);
    }
  }

  onAlarm(now: number): void {
    for (const ending of this.#toTell) this.#tell(ending);
    this.#toTell.clear();
    for (const [name, ending] of this.#endings) {
      if (now - ending.at < ENDING_MS) continue;
      this.#report(ending);
      this.#endings.delete(name);
    }
    const oldest = this.#endings.values().next().value;
    if (oldest !== undefined) this.#context.alarms.setEarlier(this, oldest.at + ENDING_MS);
  }

  /** What others had and we had not will never come. */
  #report(ending: Ending): void {
    const { group, source, epoch, high, hinted, reason } = ending;
    if (serialDiff(hinted, high) <= 0 || group.left) return;
    ending.high = hinted;
    this.#context.counters.gaps++;
    this.#context.output.gap(group, source.id, epoch, serialAdd(high, 1), hinted, reason, false);
  }

  #tell(ending: Ending): void {
    const { group, source, epoch, hinted } = ending;
    const address = parseAddress(source.address);
    if (address === undefined) return;
    const body = new Uint8Array(HINT_LENGTH);
    const view = new DataView(body.buffer);
    body.set(address, 0);
    view.setUint16(16, source.port);
    view.setUint32(18, epoch);
    view.setUint32(22, group.idHigh);
    view.setUint32(26, group.idLow);
    view.setUint32(30, hinted);
    const members = [...group.peers.values()].filter((peer) => peer.reach === ALIVE && peer !== source);
    for (let i = 0; i < HINT_FANOUT && members.length > 0; i++) {
      const index = Math.floor(this.#context.random() * members.length);
      const [peer] = members.splice(index, 1);
      (peer!.session as Session).oweFrame(FRAME_HINT, 0, body);
    }
  }

  /** A member has more of an ended stream than we have. Unknown endings and stale news change nothing. */
  onHint(now: number, group: Group, view: DataView, bytes: Uint8Array, at: number): void {
    const { broadcast, options } = this.#context;
    const id = endpointId(formatAddress(bytes, at), view.getUint16(at + 16), options.port);
    const name = broadcast.peers.leadId(id);
    const ending = this.#endings.get(key(name, view.getUint32(at + 18), group));
    if (ending === undefined) return;
    const high = view.getUint32(at + 30);
    if (serialDiff(high, ending.hinted) <= 0 || serialDiff(high, ending.hintedMax) > 0) return;
    ending.hinted = high;
    // A source that is only silent may come back and speak for itself: nothing is told before that can be ruled out.
    if (ending.source.epoch !== ending.epoch) this.#report(ending);
    this.#toTell.add(ending);
    this.#context.alarms.setEarlier(this, now + Math.round(500 * this.#context.random()));
  }

  /** We left a group: nothing of it is told any more. */
  forgetGroup(group: Group): void {
    for (const [name, ending] of this.#endings) {
      if (ending.group !== group) continue;
      this.#endings.delete(name);
      this.#toTell.delete(ending);
    }
  }
}

function key(id: string, epoch: number, group: Group): string {
  return `${id} ${epoch} ${group.key}`;
}
