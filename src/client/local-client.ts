/** The client inside the daemon: the same interface as over the socket, straight onto the service's groups. */
import type { Groups } from '../service/groups.ts';
import type { GroupsObserver } from '../service/shared-group.ts';
import { Membership, Program } from '../service/shared-group.ts';
import { STATUS_OK, statusName } from '../ubus/status.ts';
import type { Client, Group, GroupHandler, JoinOptions, Member, Published, PublishOptions } from './client.ts';
import { ClientError } from './client.ts';
import { Listeners, MESSAGE_BYTES_MAX, publishError, toBytes } from './client-group.ts';

export class LocalClient implements Client {
  onSelf?: (addresses: string[]) => void;
  readonly #groups: Groups;
  readonly #program: Program;
  readonly #joined = new Map<string, LocalGroup>();
  readonly #observer: GroupsObserver;
  #closed = false;

  constructor(groups: Groups) {
    this.#groups = groups;
    this.#program = new Program(Infinity);
    this.#observer = { self: (addresses) => this.onSelf?.(addresses) };
    groups.observe(this.#observer);
  }

  self(): Promise<string[]> {
    return Promise.resolve(this.#groups.host.self());
  }

  join(name: string, handler: GroupHandler, options: JoinOptions = {}): Promise<Group> {
    if (this.#closed) return Promise.reject(new ClientError('CONNECTION_FAILED', 'the client is closed'));
    const listeners = new Listeners(handler);
    const answer = this.#groups.join(this.#program, name, options, {
      message: (message) => listeners.message(message),
      datagram: (source, data) => listeners.datagram({ source, data }),
      gap: (gap) => listeners.gap(gap),
      member: (address, state, epoch) => listeners.member({ address, state, epoch }),
    });
    if (!(answer instanceof Membership)) return Promise.reject(new ClientError(statusName(answer.status), answer.error));
    const group = new LocalGroup(this.#groups, answer, listeners, () => void this.#joined.delete(name));
    this.#joined.set(name, group);
    return Promise.resolve(group);
  }

  memberOf(address: string): string {
    return this.#groups.host.node.memberOf(address);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#groups.unobserve(this.#observer);
    this.#groups.close(this.#program);
    for (const group of [...this.#joined.values()]) group.end();
  }
}

class LocalGroup implements Group {
  readonly name: string;
  readonly #groups: Groups;
  readonly #membership: Membership;
  readonly #listeners: Listeners;
  readonly #onEnd: () => void;

  constructor(groups: Groups, membership: Membership, listeners: Listeners, onEnd: () => void) {
    this.name = membership.group.name;
    this.#groups = groups;
    this.#membership = membership;
    this.#listeners = listeners;
    this.#onEnd = onEnd;
  }

  publish(data: Uint8Array | string, options: PublishOptions = {}): Promise<Published> {
    return new Promise((resolve, reject) => {
      this.#checkJoined();
      const bytes = toBytes(data, MESSAGE_BYTES_MAX);
      const { epoch } = this.#groups.host;
      const { group: shared, program } = this.#membership;
      this.#groups.publish(shared, program, bytes, options.to ?? '', options.wait !== false, (result) => {
        if (result.status === STATUS_OK) resolve({ seq: result.seq, epoch, room: result.room });
        else reject(publishError(result.status, result.error));
      });
    });
  }

  async datagram(data: Uint8Array | string, options: { to?: string | undefined } = {}): Promise<void> {
    this.#checkJoined();
    const { group: shared, program } = this.#membership;
    const result = this.#groups.datagram(shared, program, toBytes(data, MESSAGE_BYTES_MAX), options.to ?? '');
    if (result.status !== STATUS_OK) throw publishError(result.status, result.error);
  }

  async members(): Promise<Member[]> {
    this.#checkJoined();
    return this.#groups.members(this.#membership.group);
  }

  async leave(): Promise<void> {
    if (this.#listeners.ended) return;
    this.#groups.leave(this.#membership.program, this.name);
    this.end();
  }

  /** Left, or the client closed: no more events. */
  end(): void {
    this.#listeners.end();
    this.#onEnd();
  }

  #checkJoined(): void {
    if (this.#listeners.ended) throw new ClientError('INVALID_ARGUMENT', `${this.name} has been left`);
  }
}
