/** Options of layer 1. Times in ms. Why 90 s: cjdns needs 62-67 s when the listening side of a link restarts. */
export interface BroadcastOptions {
  /** Our incarnation, u32, not 0: max(unix seconds, last + 1). */
  epoch: number;
  /** Our UDP port, and the one that peers are expected on. */
  port: number;
  keepaliveMs: number;
  staleMs: number;
  goneMs: number;
  /** Budget for probes to nodes that have not answered yet. */
  probesPerMinute: number;
  /** Peers that have answered, at most; further ones are not taken. */
  peersMax: number;
  /** Nodes that have never answered, at most; each rank has a share (peer-table.ts), its oldest is forgotten first. */
  candidatesMax: number;
}

export const BROADCAST_DEFAULTS: Omit<BroadcastOptions, 'epoch' | 'port'> = {
  keepaliveMs: 30_000,
  staleMs: 35_000,
  goneMs: 90_000,
  probesPerMinute: 900,
  peersMax: 1024,
  candidatesMax: 8192,
};
