import type { Candidate, MeshListener, MeshSource, MeshStatus } from '../../../src/broadcast/mesh-source.ts';
import { LineLog } from '../../../src/runtime/log.ts';
import { Daemon } from '../../../src/service/daemon.ts';
import type { Table } from '../../../src/ubus/blob.ts';
import { type Answer, UbusConnection } from '../../../src/ubus/connection.ts';
import { FakeNode } from './fake-core.ts';
import { FakeRuntime } from './fake-runtime.ts';

export class FakeMesh implements MeshSource {
  readonly name = 'static';
  readonly authenticated = false;
  listener!: MeshListener;
  problem: MeshStatus['problem'];
  own: string[] = [];
  accepts(address: string): boolean {
    return address.startsWith('127.');
  }
  start(listener: MeshListener): void {
    this.listener = listener;
  }
  stop(): void {}
  refresh(): void {}
  give(own: string[], candidates: Candidate[] = []): void {
    this.own = own;
    this.listener.onOwnAddresses(own);
    this.listener.onCandidates(candidates);
  }
  status(): MeshStatus {
    const { name, authenticated, own, problem } = this;
    const status = { name, up: own.length > 0, own, candidateCount: 0, authenticated, version: '' };
    return problem === undefined ? status : { ...status, problem };
  }
}

/** A daemon on stand-ins, with one mesh that has the address 127.0.0.1. */
export async function setup(addresses = ['127.0.0.1']): Promise<{
  runtime: FakeRuntime; daemon: Daemon; node: FakeNode; mesh: FakeMesh; lines: string[];
}> {
  const runtime = new FakeRuntime();
  const lines: string[] = [];
  const log = new LineLog('info', (line) => lines.push(line));
  let node!: FakeNode;
  const daemon = new Daemon(runtime.runtime, log, { port: 14627, epoch: 7 }, (_random, output) => (node = new FakeNode(output)));
  const mesh = new FakeMesh();
  daemon.addMesh(mesh);
  if (addresses.length > 0) mesh.give(addresses);
  await runtime.settle();
  return { runtime, daemon, node, mesh, lines };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Programs on the bus at a path, each call answered before it returns. */
export function busAt(path: string, runtime: FakeRuntime) {
  const connect = async (): Promise<UbusConnection> => {
    const connecting = UbusConnection.connect(runtime.runtime, path);
    await runtime.settle();
    return connecting;
  };
  const call = async (connection: UbusConnection, object: string, method: string, args: Table = {}): Promise<Answer> => {
    const calling = connection.call(object, method, args);
    await runtime.settle();
    return calling;
  };
  return { connect, call };
}

/** What a program hears when 127.0.0.2 comes. */
export async function eventsOfPeer(client: UbusConnection, runtime: FakeRuntime, node: FakeNode): Promise<string[]> {
  const heard: string[] = [];
  void client.listen('meshchat.*', (name, { address, state }) => void heard.push(`${name} ${address} ${state}`));
  await runtime.settle();
  node.output.peer('127.0.0.2', 'alive');
  await runtime.settle();
  return heard;
}
