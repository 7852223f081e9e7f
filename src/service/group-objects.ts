/**
 * ubus objects `meshchat.group.NAME`, one for each joined group: publish, datagram, members, history, status; notifications
 * message, datagram, member, gap. `n` counts the notifications of an object: a subscriber that finds a hole in it missed some.
 *
 *   ubus call meshchat.group.weather publish '{"text":"22 degrees"}'
 */
import type { Table } from '../ubus/blob.ts';
import { encodeTable } from '../ubus/blob.ts';
import { STATUS_INVALID_ARGUMENT, STATUS_OK } from '../ubus/status.ts';
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts';
import { encodeUtf8, isText } from '../ubus/text.ts';
import { endpointId, parseEndpoint } from '../wire/address.ts';
import type { Groups } from './groups.ts';
import { rangeOf, UNKNOWN } from './missed.ts';
import { GROUP_POLICY } from './policies.ts';
import type { PublishResult } from './publish-queue.ts';
import type { GroupMessage } from './recent-messages.ts';
import type { Notification, ObjectBus, Request } from './service-object.ts';
import { ServiceObject } from './service-object.ts';
import type { GapEvent, GroupsObserver, Program, SharedGroup } from './shared-group.ts';

const PATH = 'meshchat.group.';

export class GroupObjects implements GroupsObserver {
  readonly #groups: Groups;
  readonly #buses: readonly ObjectBus[];
  readonly #objects = new Map<SharedGroup, { object: ServiceObject; n: number }>();

  constructor(groups: Groups, buses: readonly ObjectBus[]) {
    this.#groups = groups;
    this.#buses = buses;
  }

  /** Of a group that is joined. */
  objectOf(group: SharedGroup): ServiceObject {
    return this.#objects.get(group)!.object;
  }

  summary(group: SharedGroup): Table {
    return {
      name: group.name,
      object: PATH + group.name,
      // Ourselves once, whatever number of addresses we have.
      members: this.#groups.members(group).filter(({ self }, i) => !self || i === 0).length,
      programs: group.memberships.size,
      persist: group.persistent,
    };
  }

  messageTable({ source, epoch, seq, data, addressed, own, timeMs }: GroupMessage): Table {
    return { source, epoch, seq, ...payload(data), addressed, own, time: timeMs };
  }

  opened(group: SharedGroup): void {
    const object = new ServiceObject(PATH + group.name, GROUP_POLICY, new Map([
      ['publish', (request: Request) => this.#publish(group, request)],
      ['datagram', (request: Request) => this.#datagram(group, request)],
      ['members', (request: Request) => this.#members(group, request)],
      ['history', (request: Request) => this.#history(group, request)],
      ['status', (request: Request) => request.answer(this.groupStatus(group))],
    ]));
    this.#objects.set(group, { object, n: 0 });
    for (const bus of this.#buses) bus.add(object);
  }

  closed(group: SharedGroup): void {
    const { object } = this.#objects.get(group) ?? {};
    this.#objects.delete(group);
    if (object !== undefined) for (const bus of this.#buses) bus.remove(object);
  }

  message(group: SharedGroup, message: GroupMessage, by?: Program): void {
    this.#notify(group, 'message', this.messageTable(message), { skip: by, range: rangeOf(message) });
  }
  datagram(group: SharedGroup, source: string, data: Uint8Array, by?: Program): void {
    this.#notify(group, 'datagram', { source, ...payload(data), own: by !== undefined }, { skip: by });
  }
  gap(group: SharedGroup, gap: GapEvent): void {
    this.#notify(group, 'gap', { ...gap }, { range: gap });
  }
  member(group: SharedGroup, address: string, state: string, epoch: number): void {
    this.#notify(group, 'member', { address, state, epoch }, { range: UNKNOWN });
  }

  #notify(group: SharedGroup, type: string, table: Table, more: Pick<Notification, 'skip' | 'range'>): void {
    const entry = this.#objects.get(group);
    if (entry === undefined) return;
    table['n'] = ++entry.n;
    const skip = more.skip?.memberships.get(group.name)?.echo === true ? undefined : more.skip;
    const notification = { ...more, type, data: encodeTable(table), skip };
    for (const bus of this.#buses) bus.notify(entry.object, notification);
  }

  #publish(group: SharedGroup, request: Request): void {
    const data = payloadOf(request);
    if (data === undefined) return;
    const done = (result: PublishResult): void => this.#published(request, result);
    this.#groups.publish(group, request.caller.program, data, this.#receiver(request), request.flag('wait') !== false, done);
  }

  #datagram(group: SharedGroup, request: Request): void {
    const data = payloadOf(request);
    if (data === undefined) return;
    this.#published(request, this.#groups.datagram(group, request.caller.program, data, this.#receiver(request)));
  }

  /** An address as a person types it becomes the identity by which the core knows it; what is none will be no member. */
  #receiver(request: Request): string {
    const { to } = request.args as { to?: string };
    if (to === undefined) return '';
    const { port } = this.#groups.host;
    const endpoint = parseEndpoint(to);
    return endpoint === undefined ? to || 'nobody' : endpointId(endpoint.address, endpoint.port || port, port);
  }

  #published(request: Request, { status, seq, room, error }: PublishResult): void {
    const { epoch } = this.#groups.host;
    if (status === STATUS_OK) request.answer({ seq, epoch, room });
    else request.refuse(status, error, { room });
  }

  #members(group: SharedGroup, request: Request): void {
    const members = this.#groups.members(group).map(({ address, epoch, self, stale, rttMs }) => (
      { address, epoch, self, stale, rtt_ms: rttMs }
    ));
    request.answer({ members });
  }

  #history(group: SharedGroup, request: Request): void {
    const messages = this.#groups.history(group, request.integer('last') ?? Infinity);
    request.answer({ messages: messages.map((message) => this.messageTable(message)) });
  }

  groupStatus(group: SharedGroup): Table {
    const { receivedCount, publishedCount, publications } = group;
    return {
      ...this.summary(group),
      received: receivedCount,
      published: publishedCount,
      waiting: publications.waitingCount,
      room: group.core.room,
      ...(group.core.status() as Table),
    };
  }
}

/** Bytes in a reply or notification: `text` when they are UTF-8 without NUL, else `data` in base64. */
function payload(data: Uint8Array): Table {
  return isText(data) ? { text: data } : { data: encodeBase64(data) };
}

/** The bytes of a call's `text` or `data`; without, the call is refused. */
function payloadOf(request: Request): Uint8Array | undefined {
  const { text, data } = request.args as { text?: string; data?: string };
  const bytes = text !== undefined ? encodeUtf8(text) : data !== undefined ? decodeBase64(data) : undefined;
  if (bytes !== undefined && (text === undefined || data === undefined)) return bytes;
  request.refuse(STATUS_INVALID_ARGUMENT, 'give either text (UTF-8) or data (base64)');
  return undefined;
}
