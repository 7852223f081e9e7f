/** True inside txiki.js, whose npm build runs such tests 3-20 times slower than Node. */
export const onTxiki = 'tjs' in globalThis;

/** How often a heavy test repeats: `count` on Node, a tenth of it (at least 1) inside txiki.js. */
export function rounds(count: number): number {
  return onTxiki ? Math.max(1, Math.round(count / 10)) : count;
}
