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

/** Adds a message: the next of the same stream extends its range. */
export function addMissed(missed: MissedRange[], message: Place): void {
  const { source, epoch, seq, addressed } = message;
  const to = lastSeqOf(message);
  for (const gap of missed) {
    if (gap.source === source && gap.epoch === epoch && gap.addressed === addressed && (gap.to + 1) >>> 0 === seq) {
      gap.to = to;
      return;
    }
  }
  if (missed.length < MISSED_RANGES_MAX) missed.push({ source, epoch, from: seq, to, reason: 'client', addressed });
  else missed[MISSED_RANGES_MAX - 1] = { source: '', epoch: 0, from: 0, to: 0, reason: 'client', addressed: false };
}
