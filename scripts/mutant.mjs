// What a mutant is, and the files that mutants are about.

/** `text`, which stands exactly once in `file`, is replaced by `by`: that breaks the rule. */
export const m = (rule, file, text, by) => ({ rule, file, text, by });

export const DATA = 'src/wire/data.ts';
export const HEADER = 'src/wire/header.ts';
export const SERIAL = 'src/wire/serial.ts';
export const STATUS = 'src/wire/status.ts';
export const ADMISSION = 'src/broadcast/admission.ts';
export const ALARMS = 'src/broadcast/alarms.ts';
export const BROADCAST = 'src/broadcast/broadcast.ts';
export const GREETING = 'src/broadcast/greeting.ts';
export const LIVENESS = 'src/broadcast/liveness.ts';
export const OUTBOX = 'src/broadcast/outbox.ts';
export const EXCHANGE = 'src/broadcast/peer-exchange.ts';
export const TABLE = 'src/broadcast/peer-table.ts';
export const PROBER = 'src/broadcast/prober.ts';
export const ROUND_TRIP = 'src/broadcast/round-trip.ts';
export const SUBSCRIPTIONS = 'src/broadcast/subscriptions.ts';
export const TWINS = 'src/broadcast/twins.ts';
export const WINDOW = 'src/multicast/congestion-window.ts';
export const CURSOR = 'src/multicast/cursor.ts';
export const DATA_WRITER = 'src/multicast/data-writer.ts';
export const DEDUP = 'src/multicast/datagram-dedup.ts';
export const DELIVERY = 'src/multicast/delivery.ts';
export const GOSSIP = 'src/multicast/gossip.ts';
export const GROUPS = 'src/multicast/group-table.ts';
export const GROUP = 'src/multicast/group.ts';
export const HOLES = 'src/multicast/holes.ts';
export const INBOUND = 'src/multicast/inbound.ts';
export const MEMBERSHIP = 'src/multicast/membership.ts';
export const NUMBERS = 'src/multicast/numbers.ts';
export const OUTSTANDING = 'src/multicast/outstanding.ts';
export const PROBE_TIMEOUT = 'src/multicast/probe-timeout.ts';
export const RECEIVE = 'src/multicast/receive-stream.ts';
export const BUDGET = 'src/multicast/reorder-budget.ts';
export const REPAIR_QUEUE = 'src/multicast/repair-queue.ts';
export const SCHEDULER = 'src/multicast/scheduler.ts';
export const LOG = 'src/multicast/send-log.ts';
export const SEND = 'src/multicast/send-stream.ts';
export const SESSION = 'src/multicast/session.ts';
export const SRM_LOSSES = 'src/multicast/srm-losses.ts';
export const SRM_REPAIRS = 'src/multicast/srm-repairs.ts';
export const SRM_TIMER = 'src/multicast/srm-timer.ts';
export const STATUS_WRITER = 'src/multicast/status-writer.ts';
