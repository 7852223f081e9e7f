/** ubus object `meshchat.groups`: join, leave, list.  ubus call meshchat.groups join '{"name":"weather","persist":true}' */
import { STATUS_INVALID_ARGUMENT, STATUS_NOT_SUPPORTED, STATUS_OK } from '../ubus/status.ts';
import type { Start } from './core.ts';
import type { GroupObjects } from './group-objects.ts';
import type { Groups } from './groups.ts';
import type { JoinOptions } from './join-options.ts';
import { GROUPS_POLICY } from './policies.ts';
import type { GroupMessage } from './recent-messages.ts';
import { type Methods, type Request, ServiceObject } from './service-object.ts';
import { Membership } from './shared-group.ts';

export function createGroupsObject(groups: Groups, objects: GroupObjects): ServiceObject {
  const methods: Methods = new Map([
    ['join', (request: Request) => join(groups, objects, request)],
    ['leave', (request: Request) => leave(groups, request)],
    ['list', (request: Request) => request.answer({ groups: [...groups.all].map((group) => objects.summary(group)) })],
  ]);
  return new ServiceObject('meshchat.groups', GROUPS_POLICY, methods);
}

function join(groups: Groups, objects: GroupObjects, request: Request): void {
  const { program, subscribe } = request.caller;
  const options = joinOptions(request);
  if (program.shared) options.persist = true;
  const subscriber = request.integer('subscriber');
  if (subscriber !== undefined && program.shared) {
    return request.refuse(STATUS_NOT_SUPPORTED, 'subscriber works on the control socket only: subscribe to the object instead');
  }
  const answer = groups.join(program, request.text('name'), options);
  if (!(answer instanceof Membership)) return request.refuse(answer.status, answer.error);
  const { group } = answer;
  const { delivery, ordered, slow, playoutMs, repair } = group.core.options;
  const object = objects.objectOf(group);
  if (subscriber !== undefined && !subscribe(subscriber, object)) {
    groups.leave(program, group.name);
    return request.refuse(STATUS_INVALID_ARGUMENT, 'subscriber is no object of this client');
  }
  request.answer({
    ...objects.summary(group),
    id: request.caller.idOf(object) | 0,
    fresh: answer.fresh,
    epoch: groups.host.epoch,
    options: { delivery, ordered, slow, playout_ms: playoutMs, repair },
    history: replayed(groups, answer, options.start, request.flag('resume') === true).map((message) => objects.messageTable(message)),
  });
}

/**
 * Programs inside the daemon are handed what they ask to be replayed; those on a bus get it with the answer. `resume`: it was
 * in the group before and wants what came since, if the daemon stayed in it.
 */
function replayed(groups: Groups, { fresh, group }: Membership, start: Start = 'now', resume: boolean): GroupMessage[] {
  if (fresh || (start === 'now' && !resume)) return [];
  return groups.history(group, typeof start === 'object' && !resume ? start.last : Infinity);
}

function leave(groups: Groups, request: Request): void {
  const { status, error } = groups.leave(request.caller.program, request.text('name'));
  if (status === STATUS_OK) request.answer();
  else request.refuse(status, error);
}

function joinOptions(request: Request): JoinOptions {
  const last = request.integer('last');
  const wished = {
    delivery: request.args['delivery'],
    ordered: request.flag('ordered'),
    start: last === undefined ? request.args['start'] : { last },
    slow: request.args['slow'],
    playoutMs: request.integer('playout_ms'),
    repair: request.args['repair'],
    persist: request.flag('persist'),
    echo: request.flag('echo'),
  };
  // What was not asked is left open; what was is checked by Groups.join.
  return Object.fromEntries(Object.entries(wished).filter(([, value]) => value !== undefined)) as JoinOptions;
}
