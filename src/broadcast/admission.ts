/**
 * Who comes into the table of peers: candidates that a mesh or a peer names, and strangers who speak first. Strangers
 * cost greetings, so these are rationed; a flood of them costs no more than the ration, and pushes out strangers alone.
 */
import { endpointId } from '../wire/address.ts';
import type { BroadcastContext } from './context.ts';
import type { Liveness } from './liveness.ts';
import { type Candidate, FROM_MESH, HEARSAY } from './mesh-source.ts';
import { ALIVE, GONE, newNonce, Peer, PROBING, type Rank } from './peer.ts';

/** HELLOs to those who are not believed yet. */
const CHALLENGES_PER_SECOND = 200;
/** Word of a peer that it is alive is worth a probe of who is gone, and of who has never answered, once in so long. */
const GONE_HINT_MS = 1000;
const UNMET_HINT_MS = 3000;

export class Admission {
  readonly #context: BroadcastContext;
  readonly #liveness: Liveness;
  #challengeTokens = CHALLENGES_PER_SECOND;
  #challengeAt = 0;

  constructor(context: BroadcastContext, liveness: Liveness) {
    this.#context = context;
    this.#liveness = liveness;
  }

  onCandidate(now: number, local: number, candidate: Candidate): void {
    const { locals, options, peers } = this.#context;
    const here = locals[local];
    if (here === undefined || !here.accepts(candidate.address)) return;
    const port = candidate.port || options.port;
    const id = endpointId(candidate.address, port, options.port);
    const { origin = FROM_MESH } = candidate;
    let peer = peers.find(id);
    if (peer === undefined) {
      peer = this.#create(now, id, candidate.address, port, local, origin);
      if (peer === undefined) return;
      peer.hops = candidate.hops;
      peer.advertised = candidate.advertised;
      return this.#liveness.probe(now, peer);
    }
    if (origin > peer.rank) this.raise(now, peer, origin);
    if (candidate.advertised && !peer.advertised && peer.state === PROBING) {
      peer.advertised = true;
      peer.probeCount = 0;
      this.#liveness.probe(now, peer);
    } else {
      if (locals[peer.local] === undefined) peer.local = local;
      // Somebody has heard it lately: after a partition this is how one contact brings back all.
      let waitMs = Infinity;
      if (peer.state === GONE && candidate.advertised) waitMs = GONE_HINT_MS;
      else if (peer.state === PROBING && origin === HEARSAY) waitMs = UNMET_HINT_MS;
      if (now - peer.sentAt > waitMs) this.#liveness.probe(now, peer);
    }
  }

  /** @returns whose datagram this is; undefined: nobody's whom we may greet. */
  sender(now: number, local: number, address: string, port: number): Peer | undefined {
    const { counters, locals, options, peers } = this.#context;
    const id = port === options.port ? address : endpointId(address, port, options.port);
    const known = peers.find(id);
    if (known?.local === local) return known;
    const here = locals[local];
    const belongs = here?.accepts(address);
    if (known !== undefined && belongs) {
      if (known.state !== ALIVE) known.local = local;
      return known;
    }
    counters.strangersIn++;
    if (!belongs) return undefined;
    // On a mesh that binds addresses to keys, one key must not be 65,535 identities: another port needs a candidate.
    if (here!.authenticated && port !== options.port) return undefined;
    if (!this.mayChallenge(now)) return undefined;
    return this.#create(now, id, address, port, local, HEARSAY);
  }

  /** Takes one from the ration of greetings to those who are not believed yet. */
  mayChallenge(now: number): boolean {
    const gained = ((now - this.#challengeAt) * CHALLENGES_PER_SECOND) / 1000;
    this.#challengeTokens = Math.min(CHALLENGES_PER_SECOND, this.#challengeTokens + Math.max(0, gained));
    this.#challengeAt = now;
    if (this.#challengeTokens < 1) {
      this.#context.counters.challengesRefused++;
      return false;
    }
    this.#challengeTokens--;
    return true;
  }

  /** It has answered, or somebody better names it. */
  raise(now: number, peer: Peer, rank: Rank): void {
    this.#context.peers.put(peer, rank, (victim) => this.#liveness.forget(now, victim));
  }

  #create(
    now: number, id: string, address: string, port: number, local: number, rank: Rank,
  ): Peer | undefined {
    const { locals, random } = this.#context;
    for (const own of locals) if (own?.id === id) return undefined;
    const peer = new Peer(id, address, port, local, newNonce(random), this.#liveness);
    peer.bound = locals[local]?.authenticated ?? false;
    this.raise(now, peer, rank);
    return peer;
  }
}
