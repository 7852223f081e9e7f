/**
 * The timers of the specification (src/wire/README.md) for a round trip of 100 ms without variation and without queues, as the
 * tests see them: whoever tunes a constant changes it here too.
 */
export const RTT_MS = 100;
/** How long a receiver waits for a packet that may only be late, after so many false alarms. */
export function reorderMs(falseAlarms: number): number {
  return 1 + Math.round((RTT_MS * Math.min(8, 1 + falseAlarms)) / 16);
}
export const REORDER_MS = reorderMs(0);
/** What was sent within this time is still on its way. */
export const HOLD_MS = RTT_MS + 4;
/** From a request to its first repetition. */
export const REQUEST_MS = RTT_MS + 10;
export const REQUEST_FACTOR = 1.35;
export const REQUEST_MS_MAX = 4000;
/** Between the two copies of a repeated request. */
export const TWICE_MS = 16;
/** An acknowledgement that nobody asked for. */
export const ACK_DELAY_MS = 400;
/** The probe timeout when an answer was asked for. */
export const PROBE_MS = RTT_MS + 10;
/** How many probes in a row are the packet itself. */
export const PROBE_DATA_TRIES = 5;
