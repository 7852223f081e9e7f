/**
 * Hands the core's events, and what our own programs publish, to the programs of the group and to the observers. Runs on
 * turns of its own (event-queue.ts); what comes for a group that has been left meanwhile is dropped.
 */
import type { GapReason, MemberState, PeerState } from '../multicast/node-output.ts';
import type { CoreGroup } from './core.ts';
import type { GroupsHost } from './groups.ts';
import type { GroupMessage } from './recent-messages.ts';
import { RecentMessages } from './recent-messages.ts';
import type { GapEvent, GroupsObserver, Program, SharedGroup } from './shared-group.ts';

export class Delivery {
  readonly recent = new RecentMessages();
  readonly observers = new Set<GroupsObserver>();
  readonly #groups: ReadonlyMap<string, SharedGroup>;
  readonly #host: GroupsHost;

  constructor(groups: ReadonlyMap<string, SharedGroup>, host: GroupsHost) {
    this.#groups = groups;
    this.#host = host;
  }

  message(core: CoreGroup, source: string, epoch: number, seq: number, data: Uint8Array, addressed: boolean): void {
    const group = this.#find(core);
    if (group === undefined) return;
    group.receivedCount++;
    const timeMs = this.#host.wallMs();
    this.handOut(group, { source, epoch, seq, data, addressed, own: false, timeMs });
  }

  datagram(core: CoreGroup, source: string, data: Uint8Array): void {
    const group = this.#find(core);
    if (group !== undefined) this.handOutDatagram(group, source, data);
  }

  gap(core: CoreGroup, source: string, epoch: number, from: number, to: number, reason: GapReason, addressed: boolean): void {
    const group = this.#find(core);
    if (group === undefined) return;
    const gap: GapEvent = { source, epoch, from, to, reason, addressed };
    for (const membership of [...group.memberships.values()]) membership.handler?.gap(gap);
    for (const observer of this.observers) observer.gap?.(group, gap);
  }

  member(core: CoreGroup, id: string, state: MemberState, epoch: number): void {
    const group = this.#find(core);
    if (group === undefined) return;
    for (const membership of [...group.memberships.values()]) membership.handler?.member(id, state, epoch);
    for (const observer of this.observers) observer.member?.(group, id, state, epoch);
  }

  room(core: CoreGroup): void {
    this.#find(core)?.publications.onRoom(this.#host.now());
    this.#host.settle();
  }

  peer(id: string, state: PeerState): void {
    for (const observer of this.observers) observer.peer?.(id, state);
  }

  self(addresses: string[]): void {
    for (const observer of this.observers) observer.self?.(addresses);
  }

  /** `by`: who of ours published it; it gets its own back only if it asked for an echo. */
  handOut(group: SharedGroup, message: GroupMessage, by?: Program): void {
    if (this.#groups.get(group.name) !== group) return;
    // Addressed to one: none of the group's history. Kept first, so that a handler's join finds it in the history.
    if (!message.addressed) this.recent.add(group.name, message);
    // A copy of the list: a handler may join or leave.
    for (const membership of [...group.memberships.values()]) {
      if (membership.handler === undefined) continue;
      membership.flushReplay();
      if (membership.program !== by || membership.echo) membership.handler.message(message);
    }
    for (const observer of this.observers) observer.message?.(group, message, by);
  }

  handOutDatagram(group: SharedGroup, source: string, data: Uint8Array, by?: Program): void {
    if (this.#groups.get(group.name) !== group) return;
    for (const membership of [...group.memberships.values()]) {
      if (membership.program !== by || membership.echo) membership.handler?.datagram(source, data);
    }
    for (const observer of this.observers) observer.datagram?.(group, source, data, by);
  }

  #find(core: CoreGroup): SharedGroup | undefined {
    const group = this.#groups.get(core.name);
    return group?.core === core ? group : undefined;
  }
}
