/**
 * Every fault the simulated network knows, in one struct. All of it may be changed while a simulation runs: the network
 * reads it at each packet. Rates are probabilities per datagram, times are milliseconds, shares are parts of the time.
 */
export interface NetworkOptions {
  /** Round trip of every pair; a matrix set through Network.setRtt() wins over it. */
  rttMs: number;
  /** Extra delay per datagram, uniform in 0 … jitterMs; the order on a path is kept. */
  jitterMs: number;
  /** Share of the datagrams that are delayed by uniform 0 … reorderMs more and may be overtaken. */
  reorder: number;
  reorderMs: number;
  duplicate: number;
  /** Datagrams damaged on the way: the UDP checksum finds them, so they are losses counted apart. */
  corrupt: number;
  /** Independent loss per datagram, on every path; a loss set through Network.setLoss() wins over it. */
  loss: number;
  /** Gilbert-Elliott: each path loses everything for burstMs on average, burstShare of the time. */
  burstShare: number;
  burstMs: number;
  /** Each node's uplink loses everything for outageMs on average, outageShare of the time. */
  outageShare: number;
  outageMs: number;
  /** Rate of each node's uplink, bytes per millisecond (250: 2 Mbit/s); 0: unlimited. */
  uplinkBytesPerMs: number;
  /** Drop-tail queue before the uplink. */
  uplinkQueueBytes: number;
  /** What IPv6, UDP and the mesh add to each datagram on the uplink. */
  overheadBytes: number;
  /** Socket buffer of a node that is busy or stopped; what does not fit is lost. */
  receiveBufferBytes: number;
  /** Each node stops handling anything for stallMs on average, stallShare of the time (a starved CPU). */
  stallShare: number;
  stallMs: number;
  /** CPU time per datagram handled; a slow node handles the rest late. */
  handleUs: number;
}

export function networkOptions(changes: Partial<NetworkOptions> = {}): NetworkOptions {
  return {
    rttMs: 100, jitterMs: 1, reorder: 0, reorderMs: 0, duplicate: 0, corrupt: 0,
    loss: 0, burstShare: 0, burstMs: 300, outageShare: 0, outageMs: 300,
    uplinkBytesPerMs: 0, uplinkQueueBytes: 32768, overheadBytes: 48,
    receiveBufferBytes: 212992, stallShare: 0, stallMs: 200, handleUs: 0,
    ...changes,
  };
}

/** The fault-free network of the liveness phase; a backlog for a narrow uplink would take as long as it is big. */
export const CALM: Partial<NetworkOptions> = {
  reorder: 0, duplicate: 0, corrupt: 0, loss: 0, burstShare: 0, outageShare: 0, stallShare: 0, handleUs: 0,
  uplinkBytesPerMs: 0,
};
