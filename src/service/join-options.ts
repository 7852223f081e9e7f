/** What a join may ask, its defaults, and when two programs' wishes for one group contradict each other. */
import type { CoreGroupOptions, Start } from './core.ts';

export interface JoinOptions extends CoreGroupOptions {
  persist?: boolean;
  echo?: boolean;
}

const NAME_BYTES_MAX = 64;
const PLAYOUT_MS_MIN = 20;
const PLAYOUT_MS_MAX = 10_000;

/** @returns what is wrong with a group's name, '' when nothing. */
export function nameProblem(name: string): string {
  const length = new TextEncoder().encode(name).length;
  if (length < 1 || length > NAME_BYTES_MAX) return `a group name has 1 to ${NAME_BYTES_MAX} bytes, this one ${length}`;
  return name.includes('\0') ? 'a group name has no NUL' : '';
}

const CHOICES = new Map<keyof CoreGroupOptions, readonly unknown[]>([
  ['delivery', ['reliable', 'timely', 'datagram']],
  ['slow', ['lag', 'block', 'evict']],
  ['repair', ['direct', 'srm']],
  ['ordered', [true, false]],
]);

/** @returns what is wrong with the options, '' when nothing. */
export function optionsProblem(options: JoinOptions): string {
  for (const [key, choices] of CHOICES) {
    const value = options[key];
    if (value !== undefined && !choices.includes(value)) return `${key} is one of ${choices.join(', ')}, not ${String(value)}`;
  }
  const playoutMs = options.playoutMs;
  if (playoutMs !== undefined && !(playoutMs >= PLAYOUT_MS_MIN && playoutMs <= PLAYOUT_MS_MAX)) {
    return `the playout is ${PLAYOUT_MS_MIN} to ${PLAYOUT_MS_MAX} ms, not ${playoutMs}`;
  }
  return startProblem(options.start);
}

function startProblem(start: Start | undefined): string {
  if (start === undefined || start === 'now' || start === 'all') return '';
  const last = typeof start === 'object' && start !== null ? start.last : -1;
  return Number.isInteger(last) && last >= 0 ? '' : 'start is now, all, or last: how many messages';
}

/**
 * A group has one set of options in a daemon: the first join's. A later one may leave them open, or ask for the same.
 * `start` is each program's own. @returns the contradiction as a sentence, '' when there is none.
 */
export function conflict(name: string, has: Required<CoreGroupOptions>, asked: JoinOptions): string {
  for (const key of ['delivery', 'ordered', 'slow', 'repair', 'playoutMs'] as const) {
    if (asked[key] === undefined || asked[key] === has[key]) continue;
    if (key === 'playoutMs' && has.delivery !== 'timely') continue;
    return `${name} is joined here with ${key} ${String(has[key])}; this join asked for ${String(asked[key])}`;
  }
  return '';
}

/** The part of the options that the core knows. */
export function coreOptions(options: JoinOptions): CoreGroupOptions {
  const { persist: _persist, echo: _echo, ...core } = options;
  return core;
}
