/**
 * How a line is named on the whole mesh: (source address, stream, n). A stream is one run of a node's server in a
 * channel, its lines are numbered 1, 2, ….
 */

/** @param index the server's own number for the channel */
export function streamName(run: number, index: number): string {
  return `${run.toString(36)}/${index.toString(36)}`;
}

/** The IRC message id. */
export function msgidOf(address: string, stream: string, n: number): string {
  return `${address}/${stream}-${n.toString(36)}`;
}
