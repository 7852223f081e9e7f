/** Frames of layer 2 as they arrive from peers whose epoch is accepted: decoded, looked up, handed to their stream. */
import type { Peer } from '../broadcast/peer.ts';
import { endpointId, formatAddress } from '../wire/address.ts';
import { Data, DATA_PRIVATE, DATA_START, decodeData } from '../wire/data.ts';
import { decodeDgram, Dgram } from '../wire/dgram.ts';
import * as frame from '../wire/frame.ts';
import { DIGEST_LENGTH, HINT_LENGTH } from '../wire/gossip.ts';
import { decodePoll, GAP_LENGTH, Poll } from '../wire/poll.ts';
import { serialDiff } from '../wire/serial.ts';
import { decodeRequest, Request, SESSION_LENGTH } from '../wire/srm.ts';
import { decodeStatus, Status, STATUS_NEED_START, STATUS_PRIVATE } from '../wire/status.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { Membership } from './membership.ts';
import type { ReceiveStream } from './receive-stream.ts';

export class Inbound {
  readonly #context: Context;
  readonly #membership: Membership;
  readonly #data = new Data();
  readonly #dgram = new Dgram();
  readonly #status = new Status();
  readonly #poll = new Poll();
  readonly #request = new Request();

  constructor(context: Context, membership: Membership) {
    this.#context = context;
    this.#membership = membership;
  }

  /** @returns false when malformed. Frames of unknown type and of groups we are not in are ignored. */
  onFrame(now: number, from: Peer, type: number, flags: number, at: number, length: number): boolean {
    const peer = from.lead;
    // Under which name its node speaks is not clear yet, or not known at all: it will be sent again.
    const unnamed = peer.namedIn === 0 && this.#context.broadcast.locals.length > 1;
    if ((peer.shadowed || unnamed) && type !== frame.FRAME_DIGEST) return true;
    if (type === frame.FRAME_DATA || type === frame.FRAME_POLL || type === frame.FRAME_DGRAM) {
      this.#context.broadcast.follow(now, from);
    }
    switch (type) {
      case frame.FRAME_DATA:
        return this.#onData(now, peer, flags, at, length);
      case frame.FRAME_STATUS:
        return this.#onStatus(now, peer, flags, at, length);
      case frame.FRAME_DGRAM:
        return this.#onDgram(peer, flags, at, length);
      case frame.FRAME_POLL:
        return this.#onPoll(now, peer, flags, at, length);
      case frame.FRAME_GAP:
        return this.#onGap(now, peer, flags, at, length);
      case frame.FRAME_DIGEST:
        return this.#onDigest(now, from, at, length);
      case frame.FRAME_HINT:
        return this.#onHint(now, peer, at, length);
      case frame.FRAME_REQUEST:
        return this.#onRequest(now, peer, at, length);
      case frame.FRAME_SESSION:
        return this.#onSession(now, peer, at, length);
      default:
        return true;
    }
  }

  #stream(peer: Peer, group: Group, addressed: boolean): ReceiveStream {
    return this.#membership.session(peer).receiveStream(group, addressed);
  }

  #onData(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    const data = this.#data;
    const { broadcast, counters, groups } = this.#context;
    if (!decodeData(broadcast.view, at, length, flags, data)) return false;
    const group = groups.find(data.groupHigh, data.groupLow);
    if (group === undefined) counters.notJoinedIn++;
    else this.#stream(peer, group, (flags & DATA_PRIVATE) !== 0).onData(now, data, broadcast.bytes);
    return true;
  }

  #onStatus(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    const status = this.#status;
    const { broadcast, counters, groups, options } = this.#context;
    if (!decodeStatus(broadcast.view, at, length, flags, status)) return false;
    if (status.epochLow !== (options.epoch & 0xffff)) return true;
    const group = groups.findServed(status.groupHigh, status.groupLow);
    const stream = flags & DATA_PRIVATE ? group?.addressed.get(peer) : group?.stream;
    const cursor = stream?.cursors.get(peer);
    if (cursor?.life !== status.life) this.#refuse(peer, group, status);
    else if (!cursor.onStatus(now, status, broadcast.view)) counters.badAcksIn++;
    return true;
  }

  /** Asked for packets of a stream that we do not serve this peer (any more): say so, or find out what it is in. */
  #refuse(peer: Peer, group: Group | undefined, status: Status): void {
    if (serialDiff(status.nackHigh, status.cumulative) <= 0 && (status.flags & STATUS_NEED_START) === 0) return;
    if (group !== undefined && !group.left && (status.flags & STATUS_PRIVATE) === 0) {
      peer.way.subsReqDue = true;
      this.#context.broadcast.outbox.touch(peer.way);
      return;
    }
    const body = new Uint8Array(GAP_LENGTH);
    const view = new DataView(body.buffer);
    view.setUint32(0, status.groupHigh);
    view.setUint32(4, status.groupLow);
    view.setUint32(8, (status.high + 1) >>> 0);
    this.#membership.session(peer).oweFrame(frame.FRAME_GAP, status.flags & DATA_PRIVATE, body);
  }

  #onDgram(peer: Peer, flags: number, at: number, length: number): boolean {
    const dgram = this.#dgram;
    const { broadcast, counters, groups, output } = this.#context;
    if (!decodeDgram(broadcast.view, at, length, flags, dgram)) return false;
    const group = groups.find(dgram.groupHigh, dgram.groupLow);
    if (group === undefined) {
      counters.notJoinedIn++;
      return true;
    }
    if (!this.#membership.session(peer).dedup.isNew(group.key, dgram.seq)) return true;
    counters.datagramsDelivered++;
    output.datagram(group, peer.id, broadcast.bytes.slice(dgram.payloadAt, dgram.payloadAt + dgram.payloadLength));
    return true;
  }

  #onPoll(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    const poll = this.#poll;
    const { broadcast, groups } = this.#context;
    if (!decodePoll(broadcast.view, at, length, flags, poll)) return false;
    const group = groups.find(poll.groupHigh, poll.groupLow);
    if (group === undefined) return true;
    const stream = this.#stream(peer, group, (flags & DATA_PRIVATE) !== 0);
    if (flags & DATA_START && poll.life === group.life) stream.onStart(poll.start);
    stream.onLow(now, poll.low);
    stream.onHigh(now, poll.high, true);
    return true;
  }

  #onGap(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    if (length < GAP_LENGTH) return false;
    const { broadcast, groups } = this.#context;
    const group = groups.find(broadcast.view.getUint32(at), broadcast.view.getUint32(at + 4));
    if (group === undefined) return true;
    const session = this.#membership.session(peer);
    const streams = flags & DATA_PRIVATE ? session.addressed : session.streams;
    // Refused because the source has left is another matter than let go for want of room.
    const reason = group.peers.has(peer.id) ? 'evicted' : 'source-gone';
    streams.get(group.key)?.onLow(now, broadcast.view.getUint32(at + 8), reason);
    return true;
  }

  #onDigest(now: number, peer: Peer, at: number, length: number): boolean {
    if (length < DIGEST_LENGTH) return false;
    const { broadcast, gossip, groups } = this.#context;
    const { view } = broadcast;
    const group = groups.find(view.getUint32(at), view.getUint32(at + 4));
    if (group !== undefined) gossip.onDigest(now, peer, group, view.getUint16(at + 8), view.getUint32(at + 10));
    return true;
  }

  #onHint(now: number, peer: Peer, at: number, length: number): boolean {
    if (length < HINT_LENGTH) return false;
    const { broadcast, gossip, groups } = this.#context;
    const { view } = broadcast;
    const group = groups.find(view.getUint32(at + 22), view.getUint32(at + 26));
    if (group !== undefined && group.peers.has(peer.id)) gossip.onHint(now, group, view, broadcast.bytes, at);
    return true;
  }

  /** `srm` mode: a member asks the group. Ours to repair, or somebody else's to have heard of. */
  #onRequest(now: number, peer: Peer, at: number, length: number): boolean {
    const request = this.#request;
    const { broadcast, groups, options } = this.#context;
    if (!decodeRequest(broadcast.view, at, length, request)) return false;
    const group = groups.find(request.groupHigh, request.groupLow);
    if (group === undefined || !group.srm) return true;
    const id = endpointId(formatAddress(broadcast.bytes, request.sourceAt), request.port, options.port);
    if (broadcast.locals.some((local) => local?.id === id)) {
      if (request.epoch === options.epoch) group.repairs.onRequest(now, request, broadcast.view, peer);
      return true;
    }
    const source = group.peers.get(broadcast.peers.leadId(id));
    if (source === undefined || source.epoch !== request.epoch) return true;
    this.#membership.session(source).streams.get(group.key)?.onRequestOverheard(now, request, broadcast.view, peer);
    return true;
  }

  #onSession(now: number, peer: Peer, at: number, length: number): boolean {
    if (length < SESSION_LENGTH) return false;
    const { view } = this.#context.broadcast;
    this.onStreamHigh(now, peer, view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8));
    return true;
  }

  /** HELLO and SESSION name the highest packet sent: the backstop for lost tails. */
  onStreamHigh(now: number, peer: Peer, high: number, low: number, seq: number): void {
    const group = this.#context.groups.find(high, low);
    if (group !== undefined) this.#membership.session(peer).streams.get(group.key)?.onHigh(now, seq, false);
  }
}
