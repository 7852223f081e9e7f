/** Ranges of messages that a slow reader did not get, until it can be told; in the order they were missed. */

export interface MissedRange {
  source: string;
  epoch: number;
  from: number;
  to: number;
  reason: 'client';
}

/** Ranges kept apart; those beyond become one unknown range (source '', 0 0). */
export const MISSED_RANGES_MAX = 64;

/** Adds a message: the next of the same stream extends its range. */
export function addMissed(missed: MissedRange[], { source, epoch, seq }: { source: string; epoch: number; seq: number }): void {
  for (const gap of missed) {
    if (gap.source === source && gap.epoch === epoch && gap.to + 1 === seq) {
      gap.to = seq;
      return;
    }
  }
  if (missed.length < MISSED_RANGES_MAX) missed.push({ source, epoch, from: seq, to: seq, reason: 'client' });
  else missed[MISSED_RANGES_MAX - 1] = { source: '', epoch: 0, from: 0, to: 0, reason: 'client' };
}
