/**
 * A node that speaks the protocol by hand and means harm: it proves its address with the HELLO exchange, claims what it
 * likes, and then sends well-formed lies. It has no core; its datagrams go straight to the victim.
 */
import { closeFrame, FRAME_HEADER_LENGTH, FRAME_HELLO, FRAME_SUBS } from '../../src/wire/frame.ts';
import { decodeHeader, encodeHeader, Header, HEADER_LENGTH } from '../../src/wire/header.ts';
import { decodeHello, encodeHello, Hello, HELLO_PROBE } from '../../src/wire/hello.ts';
import { SUBS_ENTRY_LENGTH, SUBS_LENGTH } from '../../src/wire/subs.ts';
import type { Simulation } from './simulation.ts';

export interface GroupNumbers {
  high: number;
  low: number;
}

export class Attacker {
  epoch = 4_000_000_000;
  readonly address: string;
  /** Group ids that it has seen in the victims' SUBS. */
  readonly groups: GroupNumbers[] = [];
  /** The victim's epoch, as its datagrams say. */
  victimEpoch = 0;
  received = 0;
  #sim: Simulation;
  #victim: number;
  #bytes = new Uint8Array(1400);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #header = new Header();
  #hello = new Hello();

  constructor(sim: Simulation, victim: number, address: string) {
    this.#sim = sim;
    this.#victim = victim;
    this.address = address;
    sim.strangers.set(address, (from, bytes) => {
      if (from !== victim) return;
      const copy = bytes.slice();
      sim.at(sim.now + 20, () => this.#hear(copy));
    });
  }

  /** Introduces itself; the exchange ends with its membership in all the victim's groups. */
  greet(): void {
    this.#sendHello(0, HELLO_PROBE);
  }

  /** Starts a datagram; frames follow by frame(), it leaves by send(). */
  begin(): this {
    this.#end = encodeHeader(this.#view, this.victimEpoch, this.epoch, this.#sim.now);
    return this;
  }

  /** Adds a frame whose body `write` makes. @param write gets the view and where the body starts; returns its end */
  frame(type: number, flags: number, write: (view: DataView, at: number) => number): this {
    const end = write(this.#view, this.#end + FRAME_HEADER_LENGTH);
    this.#end = closeFrame(this.#view, this.#end, type, flags, end);
    return this;
  }

  send(): void {
    this.#sim.hosts[this.#victim]!.inject(this.address, this.#bytes.slice(0, this.#end));
  }

  claim(version: number, groups: readonly GroupNumbers[], start = 0): void {
    this.begin().frame(FRAME_SUBS, 0, (view, at) => {
      view.setUint32(at, version);
      view.setUint16(at + 4, groups.length);
      let entry = at + SUBS_LENGTH;
      for (const { high, low } of groups) {
        view.setUint32(entry, high);
        view.setUint32(entry + 4, low);
        view.setUint8(entry + 8, 0);
        view.setUint8(entry + 9, start);
        entry += SUBS_ENTRY_LENGTH;
      }
      return entry;
    }).send();
  }

  #sendHello(echoNonce: number, flags: number): void {
    const hello = this.#hello;
    const { identity, nonce, subsVersion, keepaliveS, streamCount } = hello;
    Object.assign(hello, { identity: 666, nonce: 77, subsVersion: 2, keepaliveS: 30, streamCount: 0, echoNonce });
    hello.echoTimestamp = this.#header.timestamp;
    this.begin().frame(FRAME_HELLO, flags, (view, at) => encodeHello(view, at, hello)).send();
    Object.assign(hello, { identity, nonce, subsVersion, keepaliveS, streamCount });
  }

  #hear(bytes: Uint8Array): void {
    this.received++;
    const view = new DataView(bytes.buffer);
    if (!decodeHeader(view, bytes.length, this.#header)) return;
    this.victimEpoch = this.#header.epoch;
    for (let at = HEADER_LENGTH; at + FRAME_HEADER_LENGTH <= bytes.length;) {
      const type = view.getUint8(at);
      const length = view.getUint16(at + 2);
      const body = at + FRAME_HEADER_LENGTH;
      if (type === FRAME_HELLO && decodeHello(view, body, length, view.getUint8(at + 1), this.#hello)) {
        this.#sendHello(this.#hello.nonce, 0);
      }
      if (type === FRAME_SUBS) this.#learn(view, body);
      at = body + length;
    }
  }

  #learn(view: DataView, at: number): void {
    this.groups.length = 0;
    for (let i = 0, entry = at + SUBS_LENGTH; i < view.getUint16(at + 4); i++, entry += SUBS_ENTRY_LENGTH) {
      this.groups.push({ high: view.getUint32(entry), low: view.getUint32(entry + 4) });
    }
    this.claim(2, this.groups);
  }
}
