/** Commands on the control socket as a bus: call, listen, monitor. */
import { ClientError } from '../client/client.ts';
import type { Table } from '../ubus/blob.ts';
import { decodeTable } from '../ubus/blob.ts';
import type { UbusConnection } from '../ubus/connection.ts';
import type { Frame } from '../ubus/message.ts';
import { decodeAttributes, OBJECT_MONITOR } from '../ubus/message.ts';
import { statusName } from '../ubus/status.ts';
import { encodeUtf8 } from '../ubus/text.ts';
import { integerOption } from './arguments.ts';
import { openOutput } from './line-writer.ts';
import type { Context } from './main.ts';
import { EXIT_NO_DAEMON, EXIT_OK, EXIT_USAGE } from './main.ts';

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

/** Prints what `start` hears until the daemon goes away, the reader of the output does, or the time is over. */
function printing(context: Context, start: (print: (line: string) => void) => Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    const writer = openOutput(context, resolve, reject);
    context.client.onConnected = () => void writer.finish().then(() => resolve(EXIT_NO_DAEMON));
    start((line) => writer.write(encodeUtf8(line))).catch(reject);
  });
}

export function listen(context: Context): Promise<number> {
  const { client, words, json } = context;
  return printing(context, async (print) => {
    for (const pattern of words.length === 0 ? ['*'] : words) {
      const status = await (client.connection as UbusConnection).listen(pattern, (event, data) => {
        print(json ? JSON.stringify({ event, data }) : `${event} ${JSON.stringify(data)}`);
      });
      if (status !== 0) throw new ClientError('', `'${pattern}': ${statusName(status)}`);
    }
  });
}

const TYPES = [
  'hello', 'status', 'data', 'ping', 'lookup', 'invoke', 'add_object', 'remove_object', 'subscribe', 'unsubscribe', 'notify',
];

export function monitor(context: Context): Promise<number> {
  const { client, json } = context;
  const connection = client.connection as UbusConnection;
  return printing(context, async (print) => {
    connection.onMonitor = (frame) => {
      const seen = decodeMonitored(frame);
      if (json) return print(JSON.stringify(seen));
      const { client: id, peer, type, sent, ...more } = seen;
      print(`${sent ? '->' : '<-'} ${hex(id)} #${hex(peer)} ${type}: ${JSON.stringify(more)}`);
    };
    await connection.invoke(OBJECT_MONITOR, 'add');
  });
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
