/** Commands that show what the daemon is and has: status, peers, groups, metrics, doctor, log. */
import type { Runtime } from '../runtime/runtime.ts';
import type { Table, Value } from '../ubus/blob.ts';
import { integerOption } from './arguments.ts';
import { formatBytes, formatSeconds, formatTable } from './format.ts';
import type { Context } from './main.ts';
import { EXIT_OK, EXIT_SICK } from './main.ts';

const rows = (value: Value | undefined): Table[] => (Array.isArray(value) ? (value as Table[]) : []);
const text = (value: Value | undefined): string => String(value ?? '');
const count = (value: Value | undefined): number => Number(value ?? 0);

/** The daemon's answer: as JSON, or by `show` as lines. */
async function present({ client, runtime, json }: Context, method: string, show: (answer: Table) => string[]): Promise<Table> {
  const [object, name] = method.split(' ') as [string, string];
  const answer = await client.call(object, name);
  for (const line of json ? [JSON.stringify(answer)] : show(answer)) runtime.print(line);
  return answer;
}

export async function status(context: Context): Promise<number> {
  await present(context, 'meshchat status', (answer) => {
    const { alive, stale, gone, probing } = answer['peers'] as Record<string, number>;
    const memory = answer['memory'] as Record<string, number>;
    const groupRows = rows(answer['groups']);
    const lines = [
      `meshchat ${text(answer['version'])} on ${text(answer['runtime'])}, up ${formatSeconds(count(answer['uptime']))}`,
      `address   ${(answer['addresses'] as string[]).join(', ') || 'none'}, UDP port ${text(answer['port'])}`,
    ];
    const told = new Set<string>();
    for (const mesh of rows(answer['meshes'])) {
      const state = mesh['up'] === true ? 'up' : 'down';
      lines.push(`mesh      ${text(mesh['name'])} ${state}, ${text(mesh['candidates'])} candidates ${text(mesh['version'])}`.trimEnd());
      if (mesh['problem'] !== '') lines.push(`          ${text(mesh['problem'])}; try: ${text(mesh['remedy'])}`);
      told.add(`${text(mesh['name'])}: ${text(mesh['problem'])}`);
    }
    lines.push(`peers     ${alive} alive, ${stale} stale, ${gone} gone, ${probing} being probed`);
    lines.push(`memory    ${formatBytes(memory['resident'] ?? 0)} resident, ${formatBytes(memory['recent'] ?? 0)} of recent messages`);
    lines.push(`programs  ${text(answer['clients'])} on the control socket, ${text(answer['missed'])} notifications missed by slow ones`);
    if (groupRows.length > 0) lines.push('', ...formatTable([GROUP_HEADING, ...groupRows.map(groupRow)]));
    for (const warning of answer['warnings'] as string[]) if (!told.has(warning)) lines.push(`warning: ${warning}`);
    return lines;
  });
  return EXIT_OK;
}

const GROUP_HEADING = ['GROUP', 'MEMBERS', 'PROGRAMS', 'SENT', 'RECEIVED', 'WAITING', 'LOG'];
function groupRow(group: Table): (string | number)[] {
  const log = count(group['logBytes']);
  const [members, programs, published] = [count(group['members']), count(group['programs']), count(group['published'])];
  return [text(group['name']), members, programs, published, count(group['received']), count(group['waiting']), log];
}

export async function peers(context: Context): Promise<number> {
  await present(context, 'meshchat peers', (answer) => {
    const list = rows(answer['peers']);
    const heading = list.some((peer) => text(peer['way_of']) !== '') ? [...PEER_HEADING, 'WAY OF'] : PEER_HEADING;
    return list.length === 0 ? ['no peers; see: meshchat doctor'] : formatTable([heading, ...list.map(peerRow)]);
  });
  return EXIT_OK;
}
function peerRow(peer: Table): (string | number)[] {
  const heardMsAgo = count(peer['heard_ms_ago']);
  return [
    text(peer['address']), text(peer['mesh']), text(peer['state']), `${count(peer['rtt_ms']).toFixed(1)} ms`,
    `${(count(peer['loss']) * 100).toFixed(1)} %`, heardMsAgo < 0 ? 'never' : formatSeconds(heardMsAgo / 1000),
    count(peer['groups']), count(peer['queued']), text(peer['way_of']),
  ];
}
const PEER_HEADING = ['PEER', 'MESH', 'STATE', 'RTT', 'LOSS', 'HEARD', 'GROUPS', 'QUEUED'];

export async function groups(context: Context): Promise<number> {
  await present(context, 'meshchat.groups list', (answer) => {
    const list = rows(answer['groups']).map((group) => [
      text(group['name']), count(group['members']), count(group['programs']), group['persist'] === true ? 'yes' : 'no',
    ]);
    return list.length === 0 ? ['no groups joined'] : formatTable([['GROUP', 'MEMBERS', 'PROGRAMS', 'PERSISTS'], ...list]);
  });
  return EXIT_OK;
}

export async function metrics(context: Context): Promise<number> {
  await present(context, 'meshchat metrics', (answer) => Object.keys(answer).map((name) => `${name} ${text(answer[name])}`));
  return EXIT_OK;
}

export async function doctor(context: Context): Promise<number> {
  const answer = await present(context, 'meshchat doctor', ({ checks }) => rows(checks).flatMap(checkLines));
  return answer['ok'] === true ? EXIT_OK : EXIT_SICK;
}

function checkLines({ name, ok, text: sentence, remedy }: Table): string[] {
  if (ok === true) return [`ok    ${text(name).padEnd(8)} ${text(sentence)}`];
  return [`WRONG ${text(name).padEnd(8)} ${text(sentence)}`, `      try:     ${text(remedy)}`];
}

export async function log({ client, runtime, options, json }: Context): Promise<number> {
  const answer = await client.call('meshchat', 'log', { level: options.get('level'), last: integerOption(options, 'last') });
  if (json) runtime.print(JSON.stringify(answer));
  else for (const line of answer['lines'] as string[]) runtime.print(line);
  return EXIT_OK;
}

/** What there is to say when the socket cannot be opened. */
export function noDaemon(runtime: Runtime, reason: string, asDoctor: boolean, json: boolean): void {
  if (!asDoctor) return runtime.printError(`meshchat: ${reason}`);
  const denied = reason.includes('EACCES');
  const remedy = denied ? 'as root, or in the group of the socket (option socket_group)' : 'service meshchat start; logread -e meshchat';
  const check = { name: 'daemon', ok: false, text: reason, remedy };
  for (const line of json ? [JSON.stringify({ ok: false, checks: [check] })] : checkLines(check)) runtime.print(line);
}
