/** Tables that forget what came first when they are full. */

/** Makes room for one more. */
export function makeRoom<K>(table: Map<K, unknown> | Set<K>, max: number): void {
  if (table.size >= max) table.delete(table.keys().next().value as K);
}
