/**
 * The groups of this node: those it is in, and those it has left while members lack something of it. These are served on,
 * until each member has all or has been told what it will not get, however long it is away; joined again they go on as they are.
 */
import { groupIdOf, groupKey } from '../wire/group-id.ts';
import { START_ALL, START_NOW } from '../wire/subs.ts';
import type { Context } from './context.ts';
import { Group } from './group.ts';
import { GROUP_DEFAULTS, type GroupOptions } from './options.ts';

/** Of those that were left the one that was left first goes when there are more. */
const LEFT_MAX = 32;

export class GroupTable {
  readonly #context: Context;
  /** By group key, joined ones and left ones; those in the order in which they were left. */
  readonly #groups = new Map<number, Group>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Joined ones. */
  *all(): IterableIterator<Group> {
    for (const group of this.#groups.values()) if (!group.left) yield group;
  }

  /** Joined ones and those that were left. */
  withLeft(): IterableIterator<Group> {
    return this.#groups.values();
  }

  /** A joined group by its wire id. */
  find(high: number, low: number): Group | undefined {
    const group = this.findServed(high, low);
    return group?.left === false ? group : undefined;
  }

  /** A group by its wire id, be it left. */
  findServed(high: number, low: number): Group | undefined {
    const group = this.#groups.get(groupKey(high, low));
    return group !== undefined && group.idHigh === high ? group : undefined;
  }

  /** @returns undefined when there are too many, or when its id is another's. `isNew` false: it was joined already. */
  join(name: string, options: GroupOptions): { group: Group; isNew: boolean } | undefined {
    const { high, low } = groupIdOf(name, this.#context.options.sha256);
    const key = groupKey(high, low);
    let group = this.#groups.get(key);
    const other = group !== undefined && group.name !== name;
    if (group?.left === false) return other ? undefined : { group, isNew: false };
    const all = { ...GROUP_DEFAULTS, ...options };
    const subscription = { high, low, life: 0, start: startByte(all.start) };
    if (!this.#context.broadcast.subscriptions.add(subscription)) return undefined;
    if (other) this.#close(group!);
    if (other || group === undefined) {
      group = new Group(this.#context, name, { high, low }, this.#context.numbers.next(String(key)));
      this.#groups.set(key, group);
    }
    group.enter(all, subscription.life);
    return { group, isNew: true };
  }

  leave(group: Group): void {
    group.left = true;
    this.#groups.delete(group.key);
    this.#groups.set(group.key, group);
    this.#context.broadcast.subscriptions.remove(group.key);
    this.settle(group);
    const left = [...this.#groups.values()].filter((one) => one.left);
    if (left.length > LEFT_MAX) this.#close(left[0]!);
  }

  /** A member has got something, or is none any more: a group that was left may be over now. */
  settle(group: Group): void {
    if (group.left && group.isDrained(true)) this.#close(group);
  }

  #close(group: Group): void {
    if (!this.#groups.delete(group.key)) return;
    this.#context.numbers.keep(String(group.key), group.stream.log.next);
    group.close();
  }

  /** True when nothing that we published is still on its way to a member that can be reached. */
  get drained(): boolean {
    for (const group of this.#groups.values()) if (!group.isDrained(false)) return false;
    return true;
  }
}

/** How SUBS describes our wish where streams begin. */
function startByte(start: Required<GroupOptions>['start']): number {
  if (start === 'now') return START_NOW;
  return start === 'all' ? START_ALL : Math.max(1, Math.min(START_ALL - 1, Math.floor(start.last)));
}
