/**
 * POLL: the source asks one receiver for STATUS now.      0 8 group id · 8 4 high: last sent · 12 4 low: oldest served
 * GAP:  the source no longer serves anything below `low`. 0 8 group id · 8 4 low
 * Flag bit 32 (as in DATA): the private stream. Flag bit 16 (POLL): START, as in DATA, stands at body offset 16.
 */
import { DATA_START, START_LENGTH } from './data.ts';

export const POLL_LENGTH = 16;
export const GAP_LENGTH = 12;

export class Poll {
  flags = 0;
  groupHigh = 0;
  groupLow = 0;
  high = 0;
  low = 0;
  start = 0;
  life = 0;
}

export function decodePoll(view: DataView, at: number, length: number, flags: number, poll: Poll): boolean {
  if (length < (flags & DATA_START ? POLL_LENGTH + START_LENGTH : POLL_LENGTH)) return false;
  poll.flags = flags;
  poll.groupHigh = view.getUint32(at);
  poll.groupLow = view.getUint32(at + 4);
  poll.high = view.getUint32(at + 8);
  poll.low = view.getUint32(at + 12);
  poll.start = flags & DATA_START ? view.getUint32(at + POLL_LENGTH) : 0;
  poll.life = flags & DATA_START ? view.getUint8(at + POLL_LENGTH + 4) : 0;
  return true;
}
