/** The groups of this node: those it is in, and those it has left that still owe their members something. */
import { newAlarm } from '../broadcast/alarms.ts';
import { groupIdOf, groupKey } from '../wire/group-id.ts';
import type { Context } from './context.ts';
import { Group } from './group.ts';
import { GROUP_DEFAULTS, type GroupOptions } from './options.ts';

/** A group that was left still sends for so long what its members lack. */
const LINGER_MS_MAX = 30_000;
const LINGER_CHECK_MS = 200;

export class GroupTable {
  readonly #context: Context;
  readonly #groups = new Map<number, Group>();
  readonly #leaving = new Map<number, Group>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Joined ones. */
  all(): IterableIterator<Group> {
    return this.#groups.values();
  }

  /** Joined ones and those that linger. */
  *withLeaving(): IterableIterator<Group> {
    yield* this.#groups.values();
    yield* this.#leaving.values();
  }

  /** A joined group by its wire id. */
  find(high: number, low: number): Group | undefined {
    const group = this.#groups.get(groupKey(high, low));
    return group !== undefined && group.idHigh === high ? group : undefined;
  }

  /** A joined or lingering group by its wire id. */
  findServed(high: number, low: number): Group | undefined {
    const lingering = this.#leaving.get(groupKey(high, low));
    return this.find(high, low) ?? (lingering?.idHigh === high ? lingering : undefined);
  }

  /** @returns undefined when there are too many. `isNew` false: it was joined already. */
  join(name: string, options: GroupOptions): { group: Group; isNew: boolean } | undefined {
    const { broadcast } = this.#context;
    const id = groupIdOf(name, this.#context.options.sha256);
    const key = groupKey(id.high, id.low);
    const present = this.#groups.get(key);
    if (present !== undefined) return { group: present, isNew: false };
    const lingering = this.#leaving.get(key);
    if (lingering !== undefined) this.#close(lingering);
    const group = new Group(this.#context, name, id, { ...GROUP_DEFAULTS, ...options }, this.#context.numbers.next(String(key)));
    const subscription = { high: id.high, low: id.low, life: 0, start: group.startByte };
    if (!broadcast.subscriptions.add(subscription)) {
      group.close();
      return undefined;
    }
    group.life = subscription.life;
    this.#groups.set(key, group);
    return { group, isNew: true };
  }

  /** Takes a group off the list; what was published before still reaches the members, for 30 s at most. */
  leave(now: number, group: Group): void {
    const { alarms, broadcast } = this.#context;
    group.left = true;
    this.#groups.delete(group.key);
    this.#leaving.set(group.key, group);
    broadcast.subscriptions.remove(group.key);
    const until = now + LINGER_MS_MAX;
    const alarm = newAlarm((at) => {
      if (this.#leaving.get(group.key) !== group) return;
      if (at >= until || group.drained) this.#close(group);
      else alarms.set(alarm, at + LINGER_CHECK_MS);
    });
    alarms.set(alarm, now + 1);
  }

  #close(group: Group): void {
    this.#leaving.delete(group.key);
    this.#context.numbers.keep(String(group.key), group.stream.log.next);
    group.close();
  }

  /** True when nothing that we published is still on its way to a member that can be reached. */
  get drained(): boolean {
    for (const group of this.withLeaving()) if (!group.drained) return false;
    return true;
  }
}
