/** Commands on one group: members, join, leave, pub, sub, datagram, history. */
import type { Datagram, Gap, Group, JoinOptions, Message } from '../client/client.ts';
import { MESSAGE_BYTES_MAX } from '../client/client-group.ts';
import { encodeUtf8 } from '../ubus/text.ts';
import { integerOption } from './arguments.ts';
import { formatTable, formatTime, textOf } from './format.ts';
import { readAll, readLines } from './line-reader.ts';
import { openOutput } from './line-writer.ts';
import type { Context } from './main.ts';
import { EXIT_FAILED, EXIT_OK } from './main.ts';

/** Publications that have not been answered yet; reading the input waits. */
const UNANSWERED_MAX = 32;
const PROGRESS_MS = 1000;

/** The options that a join takes; the daemon checks their values. */
function joinOptions({ options }: Context): JoinOptions {
  const wished: Record<string, unknown> = {};
  for (const name of ['delivery', 'slow', 'repair']) if (options.has(name)) wished[name] = options.get(name);
  const last = integerOption(options, 'last');
  const playoutMs = integerOption(options, 'playout');
  if (last !== undefined) wished['start'] = { last };
  if (options.has('all')) wished['start'] = 'all';
  if (playoutMs !== undefined) wished['playoutMs'] = playoutMs;
  if (options.has('unordered')) wished['ordered'] = false;
  return wished as JoinOptions;
}

const nameOf = ({ words }: Context): string => words[0] as string;

/** The group for one command: joined if need be, and left with the connection. */
const enter = (context: Context): Promise<Group> => context.client.join(nameOf(context), {}, joinOptions(context));

export async function members(context: Context): Promise<number> {
  const { runtime, json } = context;
  const list = await (await enter(context)).members();
  if (json) runtime.print(JSON.stringify({ members: list.map(({ rttMs: rtt_ms, ...member }) => ({ ...member, rtt_ms })) }));
  else {
    const cells = list.map(({ address, self, stale, rttMs }) => (
      [address, self ? 'self' : stale ? 'stale' : 'alive', self ? '' : `${rttMs.toFixed(1)} ms`]
    ));
    for (const line of formatTable([['MEMBER', 'STATE', 'RTT'], ...cells])) runtime.print(line);
  }
  return EXIT_OK;
}

export async function join(context: Context): Promise<number> {
  const group = await context.client.join(nameOf(context), {}, { ...joinOptions(context), persist: true });
  if (context.json) context.runtime.print(JSON.stringify({ name: group.name, members: (await group.members()).length }));
  return EXIT_OK;
}

export async function leave({ client, words }: Context): Promise<number> {
  await client.call('meshchat.groups', 'leave', { name: words[0] as string });
  return EXIT_OK;
}

export async function datagram(context: Context): Promise<number> {
  const group = await enter(context);
  await group.datagram(context.words.slice(1).join(' '), { to: context.options.get('to') });
  return EXIT_OK;
}

export async function history(context: Context): Promise<number> {
  const object = `meshchat.group.${nameOf(context)}`;
  const { messages } = await context.client.call(object, 'history', { last: integerOption(context.options, 'last') });
  for (const message of messages as Record<string, string>[]) {
    const text = message['text'] ?? `(base64) ${message['data']}`;
    const line = `${formatTime(Number(message['time']))} ${message['source']} ${text}`;
    context.runtime.print(context.json ? JSON.stringify(message) : line);
  }
  return EXIT_OK;
}

export async function publish(context: Context): Promise<number> {
  const { runtime, words, options } = context;
  const group = await enter(context);
  if ((await group.members()).length < 2) runtime.printError(`meshchat: nobody else is in ${group.name} yet`);
  const publisher = new Publisher(context, group);
  try {
    if (words.length > 1) await publisher.publish(encodeUtf8(words.slice(1).join(' ')));
    else if (options.has('whole')) await publisher.publish(await readAll(runtime.readInput(), MESSAGE_BYTES_MAX));
    else for await (const line of readLines(runtime.readInput(), MESSAGE_BYTES_MAX)) await publisher.publish(line);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    runtime.printError(`meshchat: ${error.message}`);
    await publisher.finish();
    return EXIT_FAILED;
  }
  await publisher.finish();
  return EXIT_OK;
}

/** Publishes one after the other; waits when the daemon is behind. */
class Publisher {
  readonly #context: Context;
  readonly #group: Group;
  readonly #unanswered = new Set<Promise<void>>();
  #failure: unknown;
  #count = 0;
  #bytes = 0;
  #toldAt = 0;

  constructor(context: Context, group: Group) {
    this.#context = context;
    this.#group = group;
  }

  async publish(data: Uint8Array): Promise<void> {
    const answered: Promise<void> = this.#group.publish(data, { to: this.#context.options.get('to') }).then(
      () => this.#answered(data.length),
      (error: unknown) => void (this.#failure ??= error),
    ).finally(() => this.#unanswered.delete(answered));
    this.#unanswered.add(answered);
    while (this.#unanswered.size >= UNANSWERED_MAX) await Promise.race(this.#unanswered);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async finish(): Promise<void> {
    await Promise.all(this.#unanswered);
    if (this.#failure !== undefined) throw this.#failure;
    this.#tell(true);
  }

  #answered(bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
    this.#tell(false);
  }

  #tell(last: boolean): void {
    const { runtime, options } = this.#context;
    if (!options.has('progress') || (!last && runtime.now() - this.#toldAt < PROGRESS_MS)) return;
    this.#toldAt = runtime.now();
    runtime.printError(`meshchat: ${this.#count} messages, ${this.#bytes} bytes published`);
  }
}

export async function subscribe(context: Context): Promise<number> {
  const { runtime, client, options, json } = context;
  const countMax = integerOption(options, 'count') ?? Infinity;
  return await new Promise((resolve, reject) => {
    if (countMax === 0) return resolve(EXIT_OK);
    const writer = openOutput(context, resolve, reject);
    let printed = 0;
    const print = (line: Uint8Array): void => {
      if (printed >= countMax) return;
      writer.write(line);
      if (++printed >= countMax) writer.finish().then(() => resolve(EXIT_OK), reject);
    };
    client.onConnected = (connected) => {
      runtime.printError(connected ? 'meshchat: the daemon is back' : 'meshchat: the daemon is away; waiting');
    };
    const event = (type: string, what: object): void => {
      if (json) writer.write(encodeUtf8(JSON.stringify({ type, ...what })));
    };
    const handler = {
      onMessage: (message: Message) => print(json || options.has('verbose') ? described(message, json) : message.data),
      onDatagram: ({ source, data }: Datagram) => {
        print(json ? encodeUtf8(JSON.stringify({ type: 'datagram', source, ...textOf(data) })) : data);
      },
      onGap: (gap: Gap) => (json ? event('gap', gap) : runtime.printError(`meshchat: ${gapSentence(gap)}`)),
      onMember: (member: object) => event('member', member),
      onEnd: reject,
    };
    client.join(nameOf(context), handler, joinOptions(context)).catch(reject);
  });
}

function described(message: Message, json: boolean): Uint8Array {
  const { source, epoch, seq, data, addressed, own, timeMs } = message;
  if (json) return encodeUtf8(JSON.stringify({ type: 'message', source, epoch, seq, ...textOf(data), addressed, own, time: timeMs }));
  const head = encodeUtf8(`${timeMs === undefined ? '' : `${formatTime(timeMs)} `}${source}${addressed ? ' (to us)' : ''} `);
  const line = new Uint8Array(head.length + data.length);
  line.set(head);
  line.set(data, head.length);
  return line;
}

function gapSentence({ source, from, to, reason, addressed }: Gap): string {
  const why = reason === 'client' ? 'this program read too slowly or was away' : reason;
  if (source === '') return `messages may be missing: ${why}`;
  return `missed ${((to - from) >>> 0) + 1} messages of ${source}${addressed ? ' to us' : ''} (${from} to ${to}): ${why}`;
}
