/**
 * A channel as this node sees it. Members and topic are the mesh's; modes, operators and ban lists hold on this node
 * only: on a mesh nobody can have authority over another's node.
 */
import { hashText } from '../encoding/hash.ts';
import type { History } from './history.ts';
import { fold, matches } from './names.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';

export interface Topic {
  text: string;
  /** nick!user@host of who set it. */
  by: string;
  /** Unix ms. */
  setMs: number;
  /** Logical clock, then the address of the node: the higher wins on every node. */
  clock: number;
  address: string;
}

/** Tells topics of one clock apart. */
export function topicHash(topic: Topic | undefined): number {
  return topic === undefined ? 0 : hashText(`${topic.address} ${topic.setMs}`);
}

export interface Member {
  op: boolean;
  voice: boolean;
  joinedMs: number;
}

/** @param all both signs of who has two (multi-prefix) */
export function statusPrefix({ op, voice }: Member, all: boolean): string {
  if (op) return all && voice ? '@+' : '@';
  return voice ? '+' : '';
}

export interface ListEntry {
  mask: string;
  by: string;
  setMs: number;
}

export type ListMode = 'b' | 'e' | 'I';

export class Channel {
  readonly key: string;
  readonly name: string;
  readonly createdMs: number;
  /** Modes n, t, m, i, s, C. */
  readonly flags = new Set(['n']);
  readonly lists: Record<ListMode, ListEntry[]> = { b: [], e: [], I: [] };
  readonly members = new Map<User, Member>();
  readonly history: History;
  topic: Topic | undefined;
  password: string | undefined;
  limit = 0;
  localCount = 0;
  /** Users kicked here: their lines are not shown until they join again. */
  readonly kicked = new Set<User>();

  constructor(name: string, createdMs: number, history: History) {
    this.key = fold(name);
    this.name = name;
    this.createdMs = createdMs;
    this.history = history;
  }

  /** The clients of its members, as they are now. */
  get sessions(): Session[] {
    const sessions: Session[] = [];
    if (this.localCount === 0) return sessions;
    for (const user of this.members.keys()) for (const session of user.sessions) sessions.push(session);
    return sessions;
  }

  listed(list: ListMode, prefix: string): boolean {
    return this.lists[list].some((entry) => matches(fold(entry.mask), fold(prefix)));
  }

  bans(prefix: string): boolean {
    return this.listed('b', prefix) && !this.listed('e', prefix);
  }

  /** Whether `user` may see who is in it and that it exists. */
  isVisible(user: User): boolean {
    return !this.flags.has('s') || this.members.has(user);
  }

  /** Whether `user` may speak here, by this node's rules. */
  admits(user: User): boolean {
    const member = this.members.get(user);
    // Of another node's user his own node says whether he was in: he may have left since, or his coming is not known
    // yet.
    if (member === undefined && this.flags.has('n') && user.local) return false;
    if (member?.op === true || member?.voice === true) return true;
    return !this.flags.has('m') && !this.bans(user.prefix);
  }

  /** @returns '@', '+', '@+' or ''. */
  prefixOf(user: User, all: boolean): string {
    const member = this.members.get(user);
    return member === undefined ? '' : statusPrefix(member, all);
  }

  /** @returns e.g. ['+nkl', 'secret', '10']; the key only for members. */
  modeParams(forMember: boolean): string[] {
    let letters = `+${[...this.flags].sort().join('')}`;
    const params: string[] = [];
    if (this.password !== undefined) {
      letters += 'k';
      params.push(forMember ? this.password : '*');
    }
    if (this.limit > 0) {
      letters += 'l';
      params.push(String(this.limit));
    }
    return [letters, ...params];
  }
}
