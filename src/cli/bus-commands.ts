/** Commands on the control socket as a bus: call, listen, monitor. */
import { ClientError } from '../client/client.ts';
import type { Table } from '../ubus/blob.ts';
import { decodeTable } from '../ubus/blob.ts';
import type { UbusConnection } from '../ubus/connection.ts';
import type { Frame } from '../ubus/message.ts';
import { decodeAttributes, OBJECT_MONITOR } from '../ubus/message.ts';
import { statusName } from '../ubus/status.ts';
import { integerOption } from './arguments.ts';
import type { Context } from './main.ts';
import { EXIT_FAILED, EXIT_NO_DAEMON, EXIT_OK, EXIT_USAGE } from './main.ts';

export async function callMethod({ client, runtime, words, options, json }: Context): Promise<number> {
  const [object = '', method = '', text = '{}'] = words;
  let args: unknown;
  try {
    args = JSON.parse(text);
  } catch {
    args = undefined;
  }
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    runtime.printError(`meshchat: the arguments are no JSON object: ${text}`);
    return EXIT_USAGE;
  }
  const seconds = integerOption(options, 'timeout') ?? 30;
  const answer = await client.call(object, method, args as Table, seconds * 1000);
  runtime.print(JSON.stringify(answer, null, json ? 0 : 2));
  return EXIT_OK;
}

/** Ends the command well when the time of --timeout is over. */
export function endInTime({ runtime, options }: Context, resolve: (status: number) => void): void {
  const seconds = integerOption(options, 'timeout');
  if (seconds !== undefined) runtime.timer(() => resolve(EXIT_OK)).set(runtime.now() + seconds * 1000);
}

/** Prints until the daemon goes away, or the time is over. */
function untilClosed(context: Context): Promise<number> {
  return new Promise((resolve) => {
    context.client.onConnected = () => resolve(EXIT_NO_DAEMON);
    endInTime(context, resolve);
  });
}

export async function listen(context: Context): Promise<number> {
  const { client, runtime, words, json } = context;
  const connection = client.connection as UbusConnection;
  for (const pattern of words.length === 0 ? ['*'] : words) {
    const status = await connection.listen(pattern, (event, data) => {
      runtime.print(json ? JSON.stringify({ event, data }) : `${event} ${JSON.stringify(data)}`);
    });
    if (status !== 0) throw new ClientError('', `'${pattern}': ${statusName(status)}`);
  }
  return await untilClosed(context);
}

const TYPES = [
  'hello', 'status', 'data', 'ping', 'lookup', 'invoke', 'add_object', 'remove_object', 'subscribe', 'unsubscribe', 'notify',
];

export async function monitor(context: Context): Promise<number> {
  const { client, runtime, json } = context;
  const connection = client.connection as UbusConnection;
  connection.onMonitor = (frame) => {
    const seen = decodeMonitored(frame);
    if (json) return runtime.print(JSON.stringify(seen));
    const { client: id, peer, type, sent, ...more } = seen;
    runtime.print(`${sent ? '->' : '<-'} ${hex(id)} #${hex(peer)} ${type}: ${JSON.stringify(more)}`);
  };
  const { status } = await connection.invoke(OBJECT_MONITOR, 'add');
  return status === 0 ? await untilClosed(context) : EXIT_FAILED;
}

const hex = (id: number): string => id.toString(16).padStart(8, '0');

/** The blob that was watched stands in attribute 5; it is read as a message of its own. */
function decodeMonitored({ bytes }: Frame): { client: number; peer: number; type: string; sent: boolean } & Record<string, unknown> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Attributes of fixed size in fixed order: CLIENT 12, PEER 20, SEQ 28, TYPE 36, SEND 44, DATA 52.
  const type = view.getUint32(40);
  const watched = { type, seq: 0, peer: 0, bytes: bytes.slice(52 - 8) };
  const { objpath, objid, method, status, data } = decodeAttributes(watched);
  return {
    client: view.getUint32(16), peer: view.getUint32(24), type: TYPES[type] ?? String(type), sent: view.getUint8(48) === 1,
    seq: view.getUint32(32),
    status, objpath, objid: objid === undefined ? undefined : hex(objid), method,
    data: data === undefined ? undefined : decodeTable(data),
  };
}
