/** What all parts of one node's layer 2 share. */
import type { Alarms } from '../broadcast/alarms.ts';
import type { Broadcast } from '../broadcast/broadcast.ts';
import type { CongestionWindow } from './congestion-window.ts';
import type { FlightPool } from './flight.ts';
import type { NodeOutput } from './node-output.ts';
import type { MulticastOptions } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import type { SendStream } from './send-stream.ts';

export interface Counters {
  messagesSent: number;
  messagesDelivered: number;
  dataSent: number;
  dataBytesSent: number;
  repairsSent: number;
  probesSent: number;
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
  datagramsDelivered: number;
  lateDropped: number;
  falseAlarms: number;
}

export interface Context {
  readonly options: MulticastOptions;
  readonly alarms: Alarms;
  readonly broadcast: Broadcast;
  readonly window: CongestionWindow;
  readonly flights: FlightPool;
  readonly scheduler: Scheduler;
  readonly output: NodeOutput;
  readonly random: () => number;
  readonly counters: Counters;
  readonly sendStreams: Set<SendStream>;
  /** Bytes of all own logs, and of all out-of-order packets kept. */
  logBytes: number;
  reorderBytes: number;
}
