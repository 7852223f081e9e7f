/** Ranges of messages that a slow reader did not get, until it can be told; in the order they were missed. */

import { DATA_PAYLOAD_MAX } from '../wire/data.ts';

export interface MissedRange {
  source: string;
  epoch: number;
  from: number;
  to: number;
  reason: 'client';
  addressed: boolean;
}

/** Ranges kept apart; those beyond become one unknown range (source '', 0 0). */
export const MISSED_RANGES_MAX = 64;

export type Range = Pick<MissedRange, 'source' | 'epoch' | 'from' | 'to' | 'addressed'>;

/** What is missing has no numbers, or is not known. */
export const UNKNOWN: MissedRange = { source: '', epoch: 0, from: 0, to: 0, reason: 'client', addressed: false };

/** What tells a message's place: one longer than a packet takes several sequence numbers, of which `seq` is the first. */
export interface Place {
  source: string;
  epoch: number;
  seq: number;
  data: Uint8Array;
  addressed: boolean;
}

export function lastSeqOf({ seq, data }: Pick<Place, 'seq' | 'data'>): number {
  return (seq + Math.max(1, Math.ceil(data.length / DATA_PAYLOAD_MAX)) - 1) >>> 0;
}

export function rangeOf(message: Place): Range {
  const { source, epoch, seq: from, addressed } = message;
  return { source, epoch, from, to: lastSeqOf(message), addressed };
}

/** Adds a range: the next of the same stream extends the one there is, and one unknown says as much as two. */
export function addMissed(missed: MissedRange[], { source, epoch, from, to, addressed }: Range): void {
  for (const gap of missed) {
    if (gap.source === source && gap.epoch === epoch && gap.addressed === addressed && (from - gap.to) >>> 0 <= 1) {
      gap.to = to;
      return;
    }
  }
  if (missed.length < MISSED_RANGES_MAX) missed.push({ source, epoch, from, to, reason: 'client', addressed });
  else missed[MISSED_RANGES_MAX - 1] = { ...UNKNOWN };
}
