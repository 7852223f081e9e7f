/**
 * Which of our clients see a change: those in a channel, those who share one with somebody, those who watch him. What
 * the coming or going of a node brings is shown in one batch per client.
 */
import { CAP_EXTENDED_MONITOR } from './capabilities.ts';
import type { Outgoing } from './outgoing.ts';
import { SessionBatches } from './session-batches.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';
import type { Watchers } from './watchers.ts';

export class Audience {
  readonly #serverName: string;
  readonly #watchers: Watchers;
  /** Of the node that is going or coming. */
  #batches: SessionBatches | undefined;

  constructor(serverName: string, watchers: Watchers) {
    this.#serverName = serverName;
    this.#watchers = watchers;
  }

  /** Sessions that share a channel with him. `self`: his own as well, even without a channel. */
  neighbours(user: User, self: boolean): Set<Session> {
    const sessions = new Set<Session>(self ? user.sessions : []);
    for (const channel of user.channels.values()) {
      for (const member of channel.members.keys()) {
        if (member !== user || self) for (const session of member.sessions) sessions.add(session);
      }
    }
    return sessions;
  }

  /** His own, his neighbours, and who watches him and wants more than to know whether he is there. */
  interested(user: User): Set<Session> {
    const sessions = this.neighbours(user, true);
    for (const session of this.#watchers.of(user.shown)) {
      if (session.has(CAP_EXTENDED_MONITOR)) sessions.add(session);
    }
    return sessions;
  }

  show(session: Session, out: Outgoing): void {
    if (this.#batches === undefined) session.send(out);
    else this.#batches.send(session, out);
  }

  /** @param capability that a client must have to get it */
  showAll(sessions: Iterable<Session>, out: Outgoing, capability?: number): void {
    for (const session of sessions) if (capability === undefined || session.has(capability)) this.show(session, out);
  }

  /** What `change` does is shown in one batch of that type per client, because a node of the mesh comes or goes. */
  inBatch(type: 'netjoin' | 'netsplit', address: string, change: () => void): void {
    this.#batches = new SessionBatches(type, [this.#serverName, address]);
    try {
      change();
    } finally {
      this.#batches.end();
      this.#batches = undefined;
    }
  }
}
