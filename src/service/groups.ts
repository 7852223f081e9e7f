/**
 * The policy between programs and the protocol core: which program is in which group, with what options and limits; what is
 * handed to whom; when the daemon itself joins and leaves. A group is joined while at least one program is in it, or one
 * asked for it to persist.
 *
 *   program --join--> membership --1:n-- SharedGroup --1:1-- core group
 *
 * Programs inside the daemon give their membership a handler. Those on a bus are served by an observer, which notifies the
 * subscribers of the group's object.
 */
import {
  STATUS_INVALID_ARGUMENT, STATUS_NO_MEMORY, STATUS_NOT_FOUND, STATUS_OK,
} from '../ubus/status.ts';
import { MESSAGE_BYTES_MAX, REFUSED_TOO_LONG } from '../multicast/options.ts';
import { DGRAM_PAYLOAD_MAX } from '../wire/dgram.ts';
import { SUBS_ENTRIES_MAX } from '../wire/subs.ts';
import type { CoreNode } from './core.ts';
import { Delivery } from './delivery.ts';
import type { EventQueue } from './event-queue.ts';
import type { JoinOptions } from './join-options.ts';
import { lastSeqOf } from './missed.ts';
import { conflict, coreOptions, nameProblem, optionsProblem } from './join-options.ts';
import type { Publication, PublishResult } from './publish-queue.ts';
import { PublishQueue, publishResult } from './publish-queue.ts';
import type { GroupMessage } from './recent-messages.ts';
import type { GroupMember, GroupsObserver, MembershipHandler, Program, Refusal } from './shared-group.ts';
import { Membership, SharedGroup } from './shared-group.ts';

/** Groups of the whole daemon, as one SUBS frame lists them; a join beyond is refused. */
export const GROUPS_MAX = SUBS_ENTRIES_MAX;

/** What the daemon does for its groups. */
export interface GroupsHost {
  readonly node: CoreNode;
  readonly events: EventQueue;
  readonly epoch: number;
  /** UDP port; an identity names its port only where it differs. */
  readonly port: number;
  now(): number;
  wallMs(): number;
  /** After each call into the core: follows its deadline. */
  settle(): void;
  /** Our identities, the one that others mostly see first. */
  self(): string[];
}

export class Groups {
  readonly host: GroupsHost;
  readonly delivery: Delivery;
  readonly #groups = new Map<string, SharedGroup>();

  constructor(host: GroupsHost) {
    this.host = host;
    this.delivery = new Delivery(this.#groups, host);
  }

  get all(): Iterable<SharedGroup> {
    return this.#groups.values();
  }
  find(name: string): SharedGroup | undefined {
    return this.#groups.get(name);
  }

  /** From now on; groups that exist are told as opened. */
  observe(observer: GroupsObserver): void {
    this.delivery.observers.add(observer);
    for (const group of this.#groups.values()) observer.opened?.(group);
  }

  unobserve(observer: GroupsObserver): void {
    this.delivery.observers.delete(observer);
  }

  /** @returns the membership or why not. */
  join(program: Program, name: string, options: JoinOptions, handler?: MembershipHandler): Membership | Refusal {
    const problem = nameProblem(name) || optionsProblem(options);
    if (problem !== '') return { status: STATUS_INVALID_ARGUMENT, error: problem };
    const existing = this.#groups.get(name);
    if (existing !== undefined) {
      const contradiction = conflict(name, existing.core.options, options);
      if (contradiction !== '') return { status: STATUS_INVALID_ARGUMENT, error: contradiction };
    }
    if (program.memberships.has(name)) {
      if (!program.shared) return { status: STATUS_INVALID_ARGUMENT, error: `this program is in ${name} already` };
    } else if (program.memberships.size >= program.groupsMax) {
      return { status: STATUS_NO_MEMORY, error: `a program is in at most ${program.groupsMax} groups` };
    }
    const group = existing ?? this.#open(name, options);
    if (group === undefined) {
      return { status: STATUS_NO_MEMORY, error: `this daemon is in ${GROUPS_MAX} groups, its limit` };
    }
    const membership = new Membership(program, group, options, handler, existing === undefined);
    group.memberships.set(program, membership);
    program.memberships.set(name, membership);
    if (membership.persist) group.persistent = true;
    if (existing !== undefined && handler !== undefined) this.#replay(membership, options);
    return membership;
  }

  /** Ends the program's own join; without one, ends a persistent join that nobody owns. */
  leave(program: Program, name: string): Refusal {
    const group = this.#groups.get(name);
    if (group === undefined) return { status: STATUS_NOT_FOUND, error: `${name} is not joined here` };
    const membership = program.memberships.get(name);
    if (membership === undefined && !group.persistent) {
      return { status: STATUS_NOT_FOUND, error: `this program is not in ${name}` };
    }
    if (membership === undefined || membership.persist) group.persistent = false;
    if (membership !== undefined) this.#end(membership);
    else this.#closeIfUnused(group);
    return { status: STATUS_OK, error: '' };
  }

  /** The program has gone: leaves all it was in, except what shall persist. */
  close(program: Program): void {
    for (const membership of program.memberships.values()) this.#end(membership);
  }

  /** `done` is called at once when accepted or refused, else when there was room. `data` is copied. */
  publish(
    group: SharedGroup, owner: Program, data: Uint8Array, to: string, wait: boolean, done: (result: PublishResult) => void,
  ): void {
    if (this.#isSelf(to)) return done(this.#toSelf(group, owner, data));
    group.publications.publish(this.host.now(), { owner, data: data.slice(), to, done }, wait);
    this.host.settle();
  }

  datagram(group: SharedGroup, owner: Program, data: Uint8Array, to: string): PublishResult {
    const { core } = group;
    const now = this.host.now();
    const toSelf = this.#isSelf(to);
    const fits = data.length <= DGRAM_PAYLOAD_MAX ? 0 : REFUSED_TOO_LONG;
    const answer = toSelf ? fits : to === '' ? core.datagram(now, data) : core.datagramTo(now, to, data);
    this.host.settle();
    if (answer >= 0 && (toSelf || to === '')) this.#echoDatagram(group, owner, data.slice());
    return publishResult(answer, core.room);
  }

  /** Ourselves first. */
  members(group: SharedGroup): GroupMember[] {
    const { epoch } = this.host;
    const members: GroupMember[] = this.host.self().map((address) => ({ address, epoch, self: true, stale: false, rttMs: 0 }));
    for (const { id, epoch: theirs, stale, rttMs } of group.core.members()) {
      members.push({ address: id, epoch: theirs, self: false, stale, rttMs });
    }
    return members;
  }

  history(group: SharedGroup, last: number): GroupMessage[] {
    return this.delivery.recent.last(group.name, last);
  }

  selfChanged(): void {
    const addresses = this.host.self();
    this.host.events.push(() => this.delivery.self(addresses));
  }

  #open(name: string, options: JoinOptions): SharedGroup | undefined {
    const core = this.host.node.join(this.host.now(), name, coreOptions(options));
    if (core === undefined) return undefined;
    const publications = new PublishQueue(core, (publication, seq) => this.#accepted(group, publication, seq));
    const group = new SharedGroup(core, publications);
    this.#groups.set(name, group);
    this.host.settle();
    for (const observer of this.delivery.observers) observer.opened?.(group);
    return group;
  }

  #isSelf(to: string): boolean {
    return to !== '' && this.host.self().includes(to);
  }

  /** To our own address: for the other programs here. Numbered like a stream to a member. */
  #toSelf(group: SharedGroup, owner: Program, data: Uint8Array): PublishResult {
    const { core, selfSeq: seq } = group;
    if (data.length > MESSAGE_BYTES_MAX) return publishResult(REFUSED_TOO_LONG, core.room);
    group.selfSeq = lastSeqOf({ seq, data }) + 1;
    this.#toOurs(group, owner, data.slice(), seq, true);
    return publishResult(seq, core.room);
  }

  /** The core took it. */
  #accepted(group: SharedGroup, { owner, data, to }: Publication, seq: number): void {
    group.publishedCount++;
    if (to === '') this.#toOurs(group, owner, data, seq, false);
  }

  /** Hands it to the daemon's other programs, and to its own where it asked for an echo. */
  #toOurs(group: SharedGroup, owner: Program, data: Uint8Array, seq: number, addressed: boolean): void {
    if (group.core.options.delivery === 'datagram') return this.#echoDatagram(group, owner, data);
    const { epoch } = this.host;
    const source = this.host.self()[0] ?? '';
    const timeMs = this.host.wallMs();
    const message: GroupMessage = { source, epoch, seq, data, addressed, own: true, timeMs };
    this.host.events.push(() => this.delivery.handOut(group, message, owner));
  }

  #echoDatagram(group: SharedGroup, owner: Program, data: Uint8Array): void {
    const source = this.host.self()[0] ?? '';
    this.host.events.push(() => this.delivery.handOutDatagram(group, source, data, owner));
  }

  #replay(membership: Membership, { start }: JoinOptions): void {
    if (start === undefined || start === 'now') return;
    membership.replay = this.history(membership.group, start === 'all' ? Infinity : start.last);
    this.host.events.push(() => membership.flushReplay());
  }

  #end(membership: Membership): void {
    const { group, program } = membership;
    group.memberships.delete(program);
    program.memberships.delete(group.name);
    group.publications.forget(program);
    this.#closeIfUnused(group);
  }

  #closeIfUnused(group: SharedGroup): void {
    if (group.persistent || group.memberships.size > 0) return;
    this.#groups.delete(group.name);
    this.delivery.recent.forget(group.name);
    group.publications.close();
    this.host.node.leave(this.host.now(), group.core);
    this.host.settle();
    for (const observer of this.delivery.observers) observer.closed?.(group);
  }
}
