/** The daemon as programs see it: its ubus objects on the control socket, and on the system's bus where there is one. */
import type { LineLog } from '../runtime/log.ts';
import type { Table } from '../ubus/blob.ts';
import { UbusServer } from '../ubus/server.ts';
import { ControlBus } from './control-bus.ts';
import type { Daemon } from './daemon.ts';
import { GroupObjects } from './group-objects.ts';
import { createGroupsObject } from './groups-object.ts';
import { createMeshchatObject, type MeshchatFacts } from './meshchat-object.ts';
import { STATUS_POLICY } from './policies.ts';
import type { ObjectBus } from './service-object.ts';
import { ServiceObject } from './service-object.ts';
import { SystemBus } from './system-bus.ts';

export interface ServiceOptions {
  version: string;
  /** Control socket, and its mode. */
  socketPath: string;
  socketMode: number;
  /** Path of ubusd's socket; '' not to use it. */
  systemBusPath: string;
  /** What runtime/detect.ts warns of; '' nothing. */
  runtimeWarning: string;
}

export class UbusService {
  readonly daemon: Daemon;
  readonly server: UbusServer;
  readonly systemBus: SystemBus | undefined;
  readonly #options: ServiceOptions;
  readonly #controlBus: ControlBus;
  readonly #groupObjects: GroupObjects;
  readonly #buses: ObjectBus[] = [];

  constructor(daemon: Daemon, log: LineLog, options: ServiceOptions) {
    this.daemon = daemon;
    this.#options = options;
    const { runtime, groups } = daemon;
    this.server = new UbusServer(runtime, log, { path: options.socketPath, mode: options.socketMode });
    this.#controlBus = new ControlBus(this.server, groups);
    this.#buses.push(this.#controlBus);
    if (options.systemBusPath !== '') {
      this.systemBus = new SystemBus(runtime, log, options.systemBusPath);
      this.#buses.push(this.systemBus);
    }
    this.#groupObjects = new GroupObjects(groups, this.#buses);
    this.add(createMeshchatObject(daemon, log, this.#groupObjects, () => this.#facts()));
    this.add(createGroupsObject(groups, this.#groupObjects));
    groups.observe(this.#groupObjects);
    // Peers coming and going are events: `ubus listen 'meshchat.*'`.
    groups.observe({
      peer: (address, state) => this.#sendEvent('meshchat.peer', { address, state }),
      self: (addresses) => this.#sendEvent('meshchat.self', { addresses }),
    });
  }

  /** @throws SystemError when the control socket cannot be opened. */
  async start(): Promise<void> {
    const { socketPath } = this.#options;
    const folder = socketPath.slice(0, socketPath.lastIndexOf('/'));
    if (folder !== '') await this.daemon.runtime.files.makeFolder(folder, 0o755);
    await this.server.start();
    this.systemBus?.start();
  }

  stop(): void {
    this.systemBus?.stop();
    this.server.stop();
  }

  /** An object of its own, with a method `status`, for a service: `meshchat.irc`. */
  addStatus(name: string, status: () => Table): void {
    this.add(new ServiceObject(`meshchat.${name}`, STATUS_POLICY, new Map([['status', (request) => request.answer(status())]])));
  }

  add(object: ServiceObject): void {
    for (const bus of this.#buses) bus.add(object);
  }

  #sendEvent(name: string, data: Table): void {
    for (const bus of this.#buses) bus.sendEvent(name, data);
  }

  #facts(): MeshchatFacts {
    const { version, runtimeWarning, systemBusPath } = this.#options;
    const { name, version: runtimeVersion } = this.daemon.runtime;
    const { clientCount, refusedCount, droppedCount } = this.server;
    return {
      version, runtimeWarning, systemBusPath,
      runtime: `${name} ${runtimeVersion}`,
      systemBusConnected: this.systemBus?.connected ?? false,
      clientCount, missedCount: this.#controlBus.missedCount,
      counters: { ubusRefused: refusedCount, ubusDropped: droppedCount, ubusdDropped: this.systemBus?.droppedCount ?? 0 },
    };
  }
}
