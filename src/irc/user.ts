/** A person on the mesh: of this node (with sessions, the clients connected for him) or of another node (without). */
import { toggle } from '../encoding/tables.ts';
import type { Channel } from './channel.ts';
import type { Session } from './session.ts';

export interface UserFacts {
  nick: string;
  user: string;
  real: string;
  account: string | undefined;
  away: string | undefined;
  bot: boolean;
  /** User mode i: not in WHO for strangers. */
  hidden: boolean;
  signonMs: number;
}

export class User implements UserFacts {
  /** Mesh address of his node, as others write it; '' for users of this node. */
  readonly home: string;
  /** Names him within his node's run: never used twice. */
  readonly uid: string;
  /** The nick he chose. */
  nick: string;
  /** The nick by which this node's clients know him: `nick`, or `nick~ab12` when another has it. */
  shown: string;
  user: string;
  real: string;
  host: string;
  account: string | undefined;
  away: string | undefined;
  signonMs: number;
  /** Monotonic; when he last said something that came here. */
  activeMs = 0;
  readonly channels = new Map<string, Channel>();
  readonly sessions: Session[] = [];
  /** B: a bot; i: hidden; T: no CTCP; o: operator of this node. */
  readonly modes = new Set<string>();
  /** Channels he was invited to, folded. */
  readonly invites = new Set<string>();

  constructor(home: string, uid: string, host: string, facts: UserFacts) {
    this.home = home;
    this.uid = uid;
    this.host = host;
    this.nick = facts.nick;
    this.shown = facts.nick;
    this.user = facts.user;
    this.real = facts.real;
    this.account = facts.account;
    this.away = facts.away;
    this.signonMs = facts.signonMs;
    this.mark(facts);
  }

  /** What others have told that is a mode here. */
  mark({ bot, hidden }: UserFacts): void {
    toggle(this.modes, 'B', bot);
    toggle(this.modes, 'i', hidden);
  }
  get bot(): boolean {
    return this.modes.has('B');
  }
  get hidden(): boolean {
    return this.modes.has('i');
  }
  get local(): boolean {
    return this.home === '';
  }
  get prefix(): string {
    return `${this.shown}!${this.user}@${this.host}`;
  }
}
