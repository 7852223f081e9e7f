/** What all parts of one node's layer 2 share. */
import type { Alarms } from '../broadcast/alarms.ts';
import type { Broadcast } from '../broadcast/broadcast.ts';
import type { CongestionWindow } from './congestion-window.ts';
import type { FlightPool } from './flight.ts';
import type { Gossip } from './gossip.ts';
import type { GroupTable } from './group-table.ts';
import type { NodeOutput } from './node-output.ts';
import type { Numbers } from './numbers.ts';
import type { MulticastOptions } from './options.ts';
import type { ReorderBudget } from './reorder-budget.ts';
import type { Scheduler } from './scheduler.ts';
import type { SendStream } from './send-stream.ts';

export interface Counters {
  messagesSent: number;
  messagesDelivered: number;
  dataSent: number;
  dataBytesSent: number;
  repairsSent: number;
  tailProbesSent: number;
  pollsSent: number;
  statusSent: number;
  requestsSent: number;
  requestsIn: number;
  holdDowns: number;
  dataIn: number;
  duplicatesIn: number;
  outOfWindowIn: number;
  overflowIn: number;
  notJoinedIn: number;
  needStartSent: number;
  badAcksIn: number;
  gaps: number;
  evictions: number;
  publishesRefused: number;
  datagramsSent: number;
  datagramsDropped: number;
  datagramsDelivered: number;
  falseAlarms: number;
}

export interface Context {
  readonly options: MulticastOptions;
  readonly alarms: Alarms;
  readonly broadcast: Broadcast;
  readonly window: CongestionWindow;
  readonly flights: FlightPool;
  readonly scheduler: Scheduler;
  readonly groups: GroupTable;
  readonly gossip: Gossip;
  readonly output: NodeOutput;
  readonly random: () => number;
  readonly counters: Counters;
  readonly sendStreams: Set<SendStream>;
  readonly reorder: ReorderBudget;
  readonly numbers: Numbers;
  /** Of the next DGRAM, in whatever group. */
  dgramNext: number;
  /** Bytes of all own logs. */
  logBytes: number;
}

export function newCounters(): Counters {
  return {
    messagesSent: 0, messagesDelivered: 0, dataSent: 0, dataBytesSent: 0, repairsSent: 0, tailProbesSent: 0, pollsSent: 0,
    statusSent: 0, requestsSent: 0, requestsIn: 0, holdDowns: 0, dataIn: 0, duplicatesIn: 0, outOfWindowIn: 0,
    overflowIn: 0, notJoinedIn: 0, needStartSent: 0, badAcksIn: 0, gaps: 0, evictions: 0, publishesRefused: 0,
    datagramsSent: 0, datagramsDropped: 0, datagramsDelivered: 0, falseAlarms: 0,
  };
}
