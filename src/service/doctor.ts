/** What is wrong, each as a sentence with the command that mends it: `meshchat doctor`. */
import type { Daemon } from './daemon.ts';

export interface Check {
  /** A word that scripts can look for. */
  name: string;
  ok: boolean;
  text: string;
  /** A command or option; '' when ok. */
  remedy: string;
}

/** What the daemon itself does not know. */
export interface DoctorFacts {
  /** From runtime/detect.ts: '' when the runtime is fine. */
  runtimeWarning: string;
  runtime: string;
  /** Path of the system's ubus socket; '' when not wanted. */
  systemBusPath: string;
  systemBusConnected: boolean;
}

/** Finding the first peer takes this long on a mesh that has just come up. */
const FIRST_PEER_MS_MAX = 30_000;

export function examine(daemon: Daemon, facts: DoctorFacts): Check[] {
  return [checkRuntime(facts), ...checkMeshes(daemon), ...checkPorts(daemon), checkPeers(daemon), ...checkSystemBus(facts)];
}

const good = (name: string, text: string): Check => ({ name, ok: true, text, remedy: '' });
const bad = (name: string, text: string, remedy: string): Check => ({ name, ok: false, text, remedy });

function checkRuntime({ runtime, runtimeWarning }: DoctorFacts): Check {
  if (runtimeWarning === '') return good('runtime', `running on ${runtime}`);
  return bad('runtime', runtimeWarning, 'install the package txiki.js 26.6 or later (docs/openwrt.md); elsewhere: set TJS to one');
}

function checkMeshes(daemon: Daemon): Check[] {
  const statuses = daemon.meshStatus();
  if (statuses.length === 0) {
    const remedy = "uci set meshchat.cjdns=mesh; uci set meshchat.cjdns.type=cjdns; uci commit meshchat; service meshchat restart";
    return [bad('mesh', 'no mesh is configured: nobody can be found', remedy)];
  }
  const anyUp = statuses.some(({ up }) => up);
  return statuses.map(({ name, up, own, problem }) => {
    // One mesh of several being absent is how most nodes are.
    if (problem !== undefined && anyUp && !up) return good('mesh', `${name} is not used: ${problem.text}`);
    if (problem !== undefined) return bad('mesh', `${name}: ${problem.text}`, problem.remedy);
    if (up) return good('mesh', `${name} is up with ${own.join(', ')}`);
    return bad('mesh', `${name} has given us no address`, 'ip addr; logread -e meshchat');
  });
}

function checkPorts({ sockets }: Daemon): Check[] {
  return sockets.flatMap(({ problem }) => (problem === undefined ? [] : [bad('port', problem.text, problem.remedy)]));
}

function checkPeers(daemon: Daemon): Check {
  const now = daemon.now();
  const states = daemon.node.peers(now).filter(({ wayOf }) => wayOf === '').map(({ state }) => state);
  const alive = states.filter((state) => state === 'alive').length;
  if (alive > 0) return good('peers', `${alive} peer${alive === 1 ? '' : 's'} alive`);
  if (now - daemon.startedAt < FIRST_PEER_MS_MAX) return good('peers', 'looking for peers since the start a moment ago');
  const silent = states.length === 0 ? 'no node of the mesh is known' : `none of the ${states.length} nodes known answers`;
  const { port } = daemon;
  const remedy = `on both nodes: meshchat peers; let UDP port ${port} through the mesh's firewall zone, or name a peer in option peer`;
  return bad('peers', `no peers: ${silent} on UDP port ${port}`, remedy);
}

function checkSystemBus({ systemBusPath, systemBusConnected }: DoctorFacts): Check[] {
  if (systemBusPath === '') return [];
  if (systemBusConnected) return [good('ubus', `registered on ${systemBusPath}`)];
  const remedy = 'logread -e procd, which starts ubusd; where there is none: option system_bus off';
  return [bad('ubus', `no ubusd answers on ${systemBusPath}: the system's ubus does not show meshchat`, remedy)];
}
