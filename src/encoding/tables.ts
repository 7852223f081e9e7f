/** What Map and Set lack. */

/** Makes room for one more: what came first goes. */
export function makeRoom<K>(table: Map<K, unknown> | Set<K>, max: number): void {
  if (table.size >= max) table.delete(table.keys().next().value as K);
}

export function toggle<T>(set: Set<T>, item: T, on: boolean): void {
  if (on) set.add(item);
  else set.delete(item);
}
