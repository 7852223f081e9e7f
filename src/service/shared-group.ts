/**
 * The nouns of the service: a program, its memberships, the groups they share, and who watches.
 *
 *   Program 1--n Membership n--1 SharedGroup 1--1 group of the protocol core
 */
import type { GapReason, MemberState, PeerState } from '../multicast/node-output.ts';
import type { CoreGroup } from './core.ts';
import type { JoinOptions } from './join-options.ts';
import type { PublishQueue } from './publish-queue.ts';
import type { GroupMessage } from './recent-messages.ts';

/** A refused call: a ubus status and a sentence. */
export interface Refusal {
  status: number;
  error: string;
}

export interface GapEvent {
  source: string;
  epoch: number;
  from: number;
  to: number;
  reason: GapReason | 'client';
  /** Of the messages to us alone, which are counted apart. */
  addressed: boolean;
}
export interface GroupMember {
  address: string;
  epoch: number;
  self: boolean;
  stale: boolean;
  rttMs: number;
}

/** What a membership of a program inside the daemon is told. */
export interface MembershipHandler {
  message(message: GroupMessage): void;
  datagram(source: string, data: Uint8Array): void;
  gap(gap: GapEvent): void;
  member(address: string, state: MemberState, epoch: number): void;
}

/** Sees all groups: the objects on a bus. `by`: the program that published it, if it was one of ours. */
export interface GroupsObserver {
  opened?(group: SharedGroup): void;
  closed?(group: SharedGroup): void;
  message?(group: SharedGroup, message: GroupMessage, by?: Program): void;
  datagram?(group: SharedGroup, source: string, data: Uint8Array, by?: Program): void;
  gap?(group: SharedGroup, gap: GapEvent): void;
  member?(group: SharedGroup, address: string, state: MemberState, epoch: number): void;
  /** Our addresses changed. */
  self?(addresses: string[]): void;
  peer?(address: string, state: PeerState): void;
}

/** One program's join of one group. */
export class Membership {
  readonly program: Program;
  readonly group: SharedGroup;
  readonly persist: boolean;
  readonly echo: boolean;
  readonly handler: MembershipHandler | undefined;
  /** The first one: the daemon joined the group for it. */
  readonly fresh: boolean;
  /** Recent messages that it asked for with `start`, until they have been handed out. */
  replay: GroupMessage[] = [];

  constructor(program: Program, group: SharedGroup, options: JoinOptions, handler: MembershipHandler | undefined, fresh: boolean) {
    this.program = program;
    this.group = group;
    this.persist = options.persist === true;
    this.echo = options.echo === true;
    this.handler = handler;
    this.fresh = fresh;
  }

  /** Hands out what was asked to be replayed; before anything newer. */
  flushReplay(): void {
    const replay = this.replay;
    this.replay = [];
    for (const message of replay) this.handler?.message(message);
  }
}

/** A group as this daemon's programs share it. */
export class SharedGroup {
  readonly name: string;
  readonly core: CoreGroup;
  readonly memberships = new Map<Program, Membership>();
  readonly publications: PublishQueue;
  persistent = false;
  receivedCount = 0;
  publishedCount = 0;
  /** Next number of those that our programs address to ourselves. */
  selfSeq = 1;

  constructor(core: CoreGroup, publications: PublishQueue) {
    this.name = core.name;
    this.core = core;
    this.publications = publications;
  }
}

/** A client of the service: a connection, a service inside the daemon, or the configuration. */
export class Program {
  readonly groupsMax: number;
  /** It stands for all programs of a bus that neither tells them apart nor when one goes: what they join stays joined. */
  readonly shared: boolean;
  readonly memberships = new Map<string, Membership>();
  constructor(groupsMax: number, shared = false) {
    this.groupsMax = groupsMax;
    this.shared = shared;
  }
}
