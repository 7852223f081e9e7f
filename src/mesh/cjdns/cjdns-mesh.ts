/**
 * cjdns as a source of nodes, versions 18 … 22. A modern cjdns names nodes in several places and in none of them all:
 * its routing table (partial, absent in SUBNODE builds), its direct peers, its sessions, its supernode, and the peers
 * of every node in the table, which it asks for us. Each function that a build lacks is left out. Addresses come from
 * keys alone.
 */
import type { MeshSource } from '../../broadcast/mesh-source.ts';
import type { Log } from '../../runtime/log.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Problem, Router, RouterReport, Tell } from '../router-mesh.ts';
import { RouterMesh } from '../router-mesh.ts';
import { CjdnsAdmin, lacking } from './admin.ts';
import type { CallOptions, Failure } from './admin.ts';
import { listOf, textOf } from './bencode.ts';
import type { BencodeDict, BencodeValue, Question } from './bencode.ts';
import type { Credentials, CredentialOptions } from './credentials.ts';
import { findCredentials } from './credentials.ts';
import { addressOfKey, parseNodeName } from './node-name.ts';

export interface CjdnsOptions extends CredentialOptions {
  /** Name of the mesh in status; default 'cjdns'. */
  name?: string;
  /** Nodes known to run meshchat. */
  peers?: readonly string[];
}

/** 4 nodes each. cjdns itself keeps at most 128 nodes. */
export const TABLE_PAGES_MAX = 2048;
const PEER_PAGES_MAX = 64;
const SESSION_PAGES_MAX = 2;
export const SESSIONS_MAX = 64;
/** Nodes whose peers are asked for in one round, nearest first, and how many at the same time. */
export const WIDEN_MAX = 16;
const WIDEN_AT_ONCE = 8;
/** In a larger table than this the peers of its nodes are not asked for: they are no help to find the few. */
const WIDEN_TABLE_MAX = 256;
/** The peers of one node are asked for again after this; when it did not answer, after the shorter time. */
const WIDEN_AGAIN_MS = 600_000;
const WIDEN_RETRY_MS = 30_000;
const WIDEN_TIMEOUT_MS = 1000;
/** A node of the routing table: what its row says, as getPeers wants it. */
interface Row {
  name: string;
  hops: number;
}

/** One ask() or explore(). */
interface Round {
  tell: Tell;
  /** Keys of nodes told, and our own. */
  seen: Set<string>;
  /** The first thing that somebody can do something about. */
  problem?: Problem | undefined;
}

export function cjdnsMesh(runtime: Runtime, options: CjdnsOptions, log: Log): MeshSource {
  return new RouterMesh(new CjdnsRouter(runtime, options), runtime, options.peers ?? [], log);
}

export class CjdnsRouter implements Router {
  readonly name: string;
  readonly range = 'cjdns';
  readonly #runtime: Runtime;
  readonly #options: CjdnsOptions;
  #admin: CjdnsAdmin | undefined;
  #credentials: Credentials[] = [];
  /** Which of the credentials' passwords is in use. */
  #passwordIndex = 0;
  /** Functions that this build has said it lacks. */
  readonly #missing = new Set<string>();
  /** The table as of the last round. */
  #rows: Row[] = [];
  #ownKey = '';
  /** Keys whose peers were asked for, and when they may be again. */
  readonly #widened = new Map<string, number>();
  #closed = false;

  constructor(runtime: Runtime, options: CjdnsOptions) {
    this.name = options.name ?? 'cjdns';
    this.#runtime = runtime;
    this.#options = options;
  }

  async ask(tell: Tell): Promise<RouterReport> {
    this.#closed = false;
    const round: Round = { tell, seen: new Set() };
    const info = await this.#nodeInfo(round);
    if (info === undefined) return { problem: round.problem };
    const name = parseNodeName(textOf(info, 'myAddr'));
    const own = name === undefined ? undefined : addressOfKey(name.key, (bytes) => this.#runtime.sha512(bytes));
    if (name === undefined || own === undefined) {
      return { problem: { text: 'cjdns does not tell its own key', remedy: 'use cjdns 18 or later' } };
    }
    this.#ownKey = name.key;
    round.seen.add(name.key);
    this.#rows = await this.#askTable(round);
    await this.#askPeers(round);
    const supernode = await this.#call(round, 'SupernodeHunter_status', {});
    if (supernode !== undefined) this.#add(round, textOf(supernode, 'activeSnode'));
    return { own, version: String(name.version), problem: round.problem };
  }

  async explore(tell: Tell): Promise<Problem | undefined> {
    const round: Round = { tell, seen: new Set([this.#ownKey]) };
    await this.#askSessions(round);
    await this.#widen(round, this.#rows, this.#runtime.now());
    return round.problem;
  }

  close(): void {
    this.#closed = true;
    this.#disconnect();
  }

  #disconnect(): void {
    this.#admin?.close();
    this.#admin = undefined;
    this.#missing.clear();
    this.#widened.clear();
  }

  /** Finds the admin port that answers, starting with the one that last did. */
  async #nodeInfo(round: Round): Promise<BencodeDict | undefined> {
    if (this.#admin !== undefined) {
      const dict = await this.#call(round, 'Core_nodeInfo', {}, { tries: 2 });
      if (dict !== undefined || this.#admin === undefined) return dict;
      this.#disconnect();
    }
    this.#credentials = await findCredentials(this.#runtime, this.#options);
    const tried = new Set<string>();
    for (const [index, { address, port, password }] of this.#credentials.entries()) {
      if (this.#closed) return undefined;
      if (tried.has(`${address} ${port}`)) continue;
      tried.add(`${address} ${port}`);
      this.#admin = new CjdnsAdmin(this.#runtime, address, port, password);
      this.#passwordIndex = index;
      const dict = await this.#call(round, 'Core_nodeInfo', {}, { tries: 1 });
      if (dict !== undefined) return dict;
      this.#admin?.close();
      this.#admin = undefined;
    }
    return undefined;
  }

  /** @returns undefined after a failure, which is noted where somebody can do something about it. */
  async #call(
    round: Round, name: string, args: Question, options?: CallOptions,
  ): Promise<BencodeDict | undefined> {
    const admin = this.#admin;
    if (admin === undefined) return undefined;
    const answer = this.#missing.has(name) ? lacking(name) : await admin.call(name, args, options);
    if (answer.failure === undefined) {
      // The last question's problem is over once the port answers at all.
      if (name === 'Core_nodeInfo') round.problem = undefined;
      return answer.dict;
    }
    if (answer.failure.kind === 'unknown') this.#missing.add(name);
    if (answer.failure.kind === 'auth' && this.#nextPassword()) return this.#call(round, name, args, options);
    round.problem ??= this.#problemOf(name, answer.failure);
    return undefined;
  }

  #nextPassword(): boolean {
    const next = this.#credentials[this.#passwordIndex + 1];
    if (next === undefined || this.#admin === undefined) return false;
    this.#passwordIndex++;
    this.#admin.password = next.password;
    return true;
  }

  #problemOf(name: string, failure: Failure): Problem | undefined {
    switch (failure.kind) {
      case 'silent':
        return name === 'Core_nodeInfo' ? {
          text: `${failure.text}: it is not running, or its admin port is another`,
          remedy: 'start cjdns (/etc/init.d/cjdns start), or set option admin_port of the mesh section',
        } : { text: failure.text, remedy: 'see whether cjdns is overloaded' };
      case 'auth':
        return {
          text: `${failure.text} (from ${this.#credentials[0]?.origin}): only its routing table and peers can be read`,
          remedy: 'set option admin_password of the mesh section to admin.password of cjdroute.conf',
        };
      case 'malformed':
        return { text: failure.text, remedy: 'see which program listens on that port: ss -lunp' };
      case 'refused':
        return { text: failure.text, remedy: 'see cjdns\'s own log' };
      case 'unknown':
        return name === 'NodeStore_dumpTable' ? {
          text: 'this cjdns keeps no routing table (built with SUBNODE): only its peers and sessions are known',
          remedy: 'install a cjdns built without SUBNODE, or name known nodes with list peer',
        } : undefined;
      default:
        return undefined;
    }
  }

  /** Tells the node `text` names, once a round. @returns its row when it is new in this round and alive. */
  #add(round: Round, text: string, hops?: number): Row | undefined {
    const name = parseNodeName(text);
    if (name === undefined || name.hops < 0 || round.seen.has(name.key)) return undefined;
    round.seen.add(name.key);
    const address = addressOfKey(name.key, (bytes) => this.#runtime.sha512(bytes));
    if (address === undefined) return undefined;
    const distance = hops ?? name.hops;
    round.tell([{ address, port: 0, hops: distance, advertised: false }]);
    return { name: text, hops: distance };
  }

  async #askTable(round: Round): Promise<Row[]> {
    const rows: Row[] = [];
    for (let page = 0; ; page++) {
      if (page === TABLE_PAGES_MAX) {
        const text = `the routing table has more than ${page * 4} nodes: the rest is left out`;
        round.problem ??= { text, remedy: 'nothing: members tell each other of those left out' };
        break;
      }
      const dict = await this.#call(round, 'NodeStore_dumpTable', { page });
      if (dict === undefined) break;
      for (const entry of listOf(dict, 'routingTable')) {
        const row = entry instanceof Map ? this.#add(round, textOf(entry, 'addr')) : undefined;
        if (row !== undefined && rows.length <= WIDEN_TABLE_MAX) rows.push(row);
      }
      if (dict.get('more') !== 1) break;
    }
    return rows;
  }

  async #askPeers(round: Round): Promise<void> {
    for (let page = 0; page < PEER_PAGES_MAX; page++) {
      const dict = await this.#call(round, 'InterfaceController_peerStats', { page });
      if (dict === undefined) return;
      for (const entry of listOf(dict, 'peers')) if (entry instanceof Map) this.#add(round, textOf(entry, 'addr'), 1);
      if (dict.get('more') !== 1) return;
    }
  }

  async #askSessions(round: Round): Promise<void> {
    const handles: BencodeValue[] = [];
    for (let page = 0; page < SESSION_PAGES_MAX; page++) {
      const dict = await this.#call(round, 'SessionManager_getHandles', { page }, { auth: true });
      if (dict === undefined) return;
      handles.push(...listOf(dict, 'handles'));
      if (dict.get('more') !== 1) break;
    }
    for (const handle of handles.slice(0, SESSIONS_MAX)) {
      if (typeof handle !== 'number') continue;
      const answer = await this.#admin?.call('SessionManager_sessionStats', { handle }, { auth: true });
      // A session may have ended since: its error is no problem.
      if (answer !== undefined && answer.failure === undefined) this.#add(round, textOf(answer.dict, 'addr'));
    }
  }

  /** Asks the nodes of the table for their peers: where a table holds a part of the network, it finds most others. */
  async #widen(round: Round, rows: readonly Row[], now: number): Promise<void> {
    if (rows.length > WIDEN_TABLE_MAX || this.#missing.has('RouterModule_getPeers')) return;
    for (const [key, at] of this.#widened) if (now >= at) this.#widened.delete(key);
    const due = rows.filter((row) => !this.#widened.has(keyOf(row.name)));
    due.sort((a, b) => a.hops - b.hops).splice(WIDEN_MAX);
    const worker = async (): Promise<void> => {
      for (let row = due.shift(); row !== undefined; row = due.shift()) {
        const args = { path: row.name, timeout: WIDEN_TIMEOUT_MS };
        const options = { auth: true, tries: 1, timeoutMs: WIDEN_TIMEOUT_MS + 500 };
        const answer = await this.#admin?.call('RouterModule_getPeers', args, options);
        const failed = answer === undefined || answer.failure !== undefined;
        const answered = !failed && textOf(answer.dict, 'result') === 'peers';
        this.#widened.set(keyOf(row.name), now + (answered ? WIDEN_AGAIN_MS : WIDEN_RETRY_MS));
        if (failed) continue;
        for (const peer of listOf(answer.dict, 'peers')) {
          if (typeof peer === 'string') this.#add(round, peer, row.hops + 1);
        }
      }
    };
    await Promise.all(Array.from({ length: WIDEN_AT_ONCE }, worker));
  }
}

function keyOf(name: string): string {
  return name.slice(-54);
}
