/** A stand-in for the protocol core: records calls, refuses on demand, and reports what a test feeds it. */
import type { NodeOutput } from '../../../src/multicast/node-output.ts';
import { REFUSED_FULL, REFUSED_NO_MEMBER } from '../../../src/multicast/options.ts';
import { SUBS_ENTRIES_MAX } from '../../../src/wire/subs.ts';
import type { CoreGroup, CoreGroupOptions, CoreMember, CoreNode, CorePeer } from '../../../src/service/core.ts';

export class FakeGroup implements CoreGroup {
  readonly name: string;
  readonly options: Required<CoreGroupOptions>;
  room = 1000;
  published: string[] = [];
  others: CoreMember[] = [];
  seq = 0;

  constructor(name: string, options: CoreGroupOptions = {}) {
    this.name = name;
    this.options = {
      delivery: 'reliable', ordered: true, start: 'now', slow: 'lag', playoutMs: 400, repair: 'direct', ...options,
    };
  }
  publish(_now: number, data: Uint8Array): number {
    if (data.length > this.room) return REFUSED_FULL;
    this.published.push(new TextDecoder().decode(data));
    return (this.seq = (this.seq + 1) >>> 0);
  }
  publishTo(now: number, member: string, data: Uint8Array): number {
    return this.others.some(({ id }) => id === member) ? this.publish(now, data) : REFUSED_NO_MEMBER;
  }
  datagram(_now: number, data: Uint8Array): number {
    this.published.push(`datagram ${new TextDecoder().decode(data)}`);
    return 0;
  }
  datagramTo(now: number, member: string, data: Uint8Array): number {
    return this.others.some(({ id }) => id === member) ? this.datagram(now, data) : REFUSED_NO_MEMBER;
  }
  members(): CoreMember[] {
    return this.others;
  }
  status(): object {
    return { sent: this.seq, repairsSent: 0 };
  }
}

export class FakeNode implements CoreNode {
  deadline = Infinity;
  readonly output: NodeOutput;
  readonly calls: string[] = [];
  readonly groups = new Map<string, FakeGroup>();
  readonly counters = { rxMalformed: 0 };
  peerList: CorePeer[] = [];
  drained = true;
  #locals = 0;

  constructor(output: NodeOutput) {
    this.output = output;
  }
  onTimeout(now: number): void {
    this.calls.push(`timeout ${now}`);
  }
  onDatagram(_now: number, local: number, address: string, _port: number, bytes: Uint8Array): void {
    this.calls.push(`datagram ${local} ${address} ${bytes.length}`);
  }
  addLocal(_now: number, address: string, mesh: string, authenticated: boolean): number {
    this.calls.push(`addLocal ${address} ${mesh} ${authenticated}`);
    return this.#locals++;
  }
  removeLocal(_now: number, local: number): void {
    this.calls.push(`removeLocal ${local}`);
  }
  onCandidates(_now: number, local: number, candidates: readonly { address: string }[]): void {
    this.calls.push(`candidates ${local} ${candidates.map(({ address }) => address).join()}`);
  }
  join(_now: number, name: string, options?: CoreGroupOptions): FakeGroup | undefined {
    this.calls.push(`join ${name}`);
    if (this.groups.size >= SUBS_ENTRIES_MAX) return undefined;
    const group = this.groups.get(name) ?? new FakeGroup(name, options);
    this.groups.set(name, group);
    return group;
  }
  leave(_now: number, group: CoreGroup): void {
    this.calls.push(`leave ${group.name}`);
    this.groups.delete(group.name);
  }
  shutdown(): void {
    this.calls.push('shutdown');
  }
  memberOf(id: string): string {
    return this.peerList.find((peer) => peer.id === id)?.wayOf || id;
  }
  peers(): CorePeer[] {
    return this.peerList;
  }
}
