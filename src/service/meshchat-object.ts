/** ubus object `meshchat`: status, peers, metrics, doctor, log.  ubus call meshchat status */
import type { LineLog, LogLevel } from '../runtime/log.ts';
import { LOG_LEVELS } from '../runtime/log.ts';
import type { Table, Value } from '../ubus/blob.ts';
import { STATUS_INVALID_ARGUMENT } from '../ubus/status.ts';
import type { CorePeer } from './core.ts';
import type { Daemon } from './daemon.ts';
import { type DoctorFacts, examine } from './doctor.ts';
import type { GroupObjects } from './group-objects.ts';
import { GROUPS_MAX } from './groups.ts';
import { MESHCHAT_POLICY } from './policies.ts';
import { RECENT_LIMITS } from './recent-messages.ts';
import { type Methods, type Request, ServiceObject } from './service-object.ts';

export interface MeshchatFacts extends DoctorFacts {
  version: string;
  /** Clients of the control socket, and notifications that slow ones lost. */
  clientCount: number;
  missedCount: number;
  /** Of the buses: clients refused, messages dropped. */
  counters: Table;
}

export function createMeshchatObject(daemon: Daemon, log: LineLog, objects: GroupObjects, facts: () => MeshchatFacts): ServiceObject {
  const methods: Methods = new Map([
    ['status', (request: Request) => request.answer(status(daemon, objects, facts()))],
    ['peers', (request: Request) => request.answer({ peers: daemon.node.peers(daemon.now()).map((peer) => peerTable(peer, daemon.now())) })],
    ['metrics', (request: Request) => request.answer(metrics(daemon, facts()))],
    ['doctor', (request: Request) => request.answer(diagnosis(daemon, facts()))],
    ['log', (request: Request) => answerLog(log, request)],
  ]);
  return new ServiceObject('meshchat', MESHCHAT_POLICY, methods);
}

function status(daemon: Daemon, objects: GroupObjects, facts: MeshchatFacts): Table {
  const { runtime, groups } = daemon;
  const peers = daemon.node.peers(daemon.now());
  const inState = (state: string): number => peers.filter((peer) => peer.state === state).length;
  return {
    version: facts.version,
    runtime: facts.runtime,
    uptime: Math.floor((daemon.now() - daemon.startedAt) / 1000),
    addresses: daemon.self(),
    port: daemon.port,
    epoch: daemon.epoch,
    meshes: daemon.meshStatus().map(({ name, up, own, candidateCount, authenticated, version, problem }) => ({
      name, up, addresses: own, candidates: candidateCount, authenticated, version,
      problem: problem?.text ?? '', remedy: problem?.remedy ?? '',
      warning: authenticated ? '' : 'addresses on this mesh are bound to no key: anyone on the link can take one',
    })),
    peers: { alive: inState('alive'), stale: inState('stale'), gone: inState('gone'), probing: inState('probing') },
    groups: [...groups.all].map((group) => objects.groupStatus(group)),
    memory: { resident: runtime.residentBytes(), recent: groups.delivery.recent.bytes },
    limits: { groups: GROUPS_MAX, recent_messages: RECENT_LIMITS.countMax, recent_bytes: RECENT_LIMITS.totalBytesMax },
    clients: facts.clientCount,
    missed: facts.missedCount,
    warnings: examine(daemon, facts).filter(({ ok }) => !ok).map(({ text }) => text),
  };
}

function peerTable(
  { id: address, mesh, state, rttMs, loss, heardAt, groupCount: groups, epoch, queuedBytes: queued, wayOf: way_of }: CorePeer, now: number,
): Table {
  const heard_ms_ago = heardAt >= 0 && heardAt <= now ? now - heardAt : -1;
  return { address, mesh, state, rtt_ms: round(rttMs), loss: round(loss), heard_ms_ago, groups, epoch, queued, way_of };
}

/** Three digits are enough, and whole numbers stay whole. */
const round = (value: number): number => Math.round(value * 1000) / 1000;

function metrics(daemon: Daemon, { clientCount, missedCount, counters }: MeshchatFacts): Table {
  const sum = (name: 'sendErrorCount' | 'sendDropCount'): number => daemon.sockets.reduce((all, socket) => all + socket[name], 0);
  const { rxCount, rxForeignCount, txCount } = daemon.counters;
  const entries: [string, Value][] = Object.entries(daemon.node.counters);
  return {
    ...Object.fromEntries(entries.map(([name, value]) => [name, round(value as number)])),
    udpIn: rxCount, udpForeignIn: rxForeignCount, udpOut: txCount,
    udpSendErrors: sum('sendErrorCount'), udpSendDrops: sum('sendDropCount'),
    handlerErrors: daemon.runtime.handlerErrorCount, clients: clientCount, missed: missedCount, ...counters,
    residentBytes: daemon.runtime.residentBytes(), recentBytes: daemon.groups.delivery.recent.bytes,
  };
}

function diagnosis(daemon: Daemon, facts: MeshchatFacts): Table {
  const checks = examine(daemon, facts);
  return { ok: checks.every(({ ok }) => ok), checks: checks.map((check) => ({ ...check })) };
}

function answerLog(log: LineLog, request: Request): void {
  const level = request.text('level');
  if (level !== '') {
    if (!LOG_LEVELS.includes(level as LogLevel)) {
      return request.refuse(STATUS_INVALID_ARGUMENT, `level is one of ${LOG_LEVELS.join(', ')}`);
    }
    log.level = level as LogLevel;
  }
  const last = request.integer('last') ?? log.recent.length;
  request.answer({ level: log.level, lines: log.recent.slice(Math.max(0, log.recent.length - last)) });
}
