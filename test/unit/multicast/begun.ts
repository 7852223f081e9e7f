/** A stream that has begun. */
import type { Group } from '../../../src/multicast/group.ts';
import type { GroupOptions, NodeOptions } from '../../../src/multicast/options.ts';
import { Bench, type Remote } from './bench.ts';

/** A node with one member at 100 ms that has taken the first `count` messages. */
export function begun(
  options: GroupOptions = {}, count = 1, nodeOptions: Partial<NodeOptions> = {},
): { bench: Bench; group: Group; remote: Remote } {
  const bench = new Bench(nodeOptions);
  const group = bench.join('g', options);
  const remote = bench.meet('fd00::2', ['g']);
  publish(bench, group, count);
  bench.wait(100);
  remote.status(count);
  bench.take();
  return { bench, group, remote };
}

/** Publishes `count` messages at once. */
export function publish(bench: Bench, group: Group, count: number): void {
  for (let i = 0; i < count; i++) bench.publish(group, `m${i}`);
}
