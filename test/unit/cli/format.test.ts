import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { integerOption, parseArguments } from '../../../src/cli/arguments.ts';
import { formatBytes, formatSeconds, formatTable, formatTime, textOf } from '../../../src/cli/format.ts';
import { encodeUtf8 } from '../../../src/ubus/text.ts';
import { readAll, readLines } from '../../../src/cli/line-reader.ts';

const cli = suite('cli parts');

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}
async function lines(...texts: string[]): Promise<string[]> {
  const all: string[] = [];
  for await (const line of readLines(chunks(...texts), 10)) all.push(new TextDecoder().decode(line));
  return all;
}

cli('options stand anywhere, with their value behind or joined', () => {
  const { command, words, options, problem } = parseArguments(['-s', '/x', 'sub', '--last=3', 'weather', '--json', '-n5', '--', '--odd']);
  assert.equal([command, words, problem], ['sub', ['weather', '--odd'], '']);
  assert.equal([...options], [['socket', '/x'], ['last', '5'], ['json', 'true']]);
});

cli('unknown options and missing values are told', () => {
  assert.is(parseArguments(['sub', '--lst', '3']).problem, 'there is no option --lst');
  assert.is(parseArguments(['sub', '-x']).problem, 'there is no option -x');
  assert.is(parseArguments(['sub', '--last']).problem, '--last wants a value');
  assert.is(parseArguments(['sub', '--json=1']).problem, 'there is no option --json=1');
  assert.equal(parseArguments(['pub', 'g', '-']).words, ['g', '-']);
});

cli('numbers are whole and not negative', () => {
  const { options, problem } = parseArguments(['-c', '7']);
  assert.equal([integerOption(options, 'count'), integerOption(options, 'playout'), problem], [7, undefined, '']);
  assert.is(parseArguments(['--last', '-1']).problem, "--last wants a whole number, not '-1'");
  assert.is(parseArguments(['--timeout=1.5']).problem, "--timeout wants a whole number, not '1.5'");
});

cli('a message of any length is text or base64', () => {
  assert.equal(textOf(encodeUtf8('grüße')), { text: 'grüße' });
  const { data } = textOf(new Uint8Array(65536).fill(255)) as { data: string };
  assert.equal([data.length, data.slice(0, 4), data.slice(-4)], [87384, '////', '/w==']);
});

cli('tables have aligned columns, numbers to the right', () => {
  assert.equal(formatTable([['NAME', 'COUNT'], ['a', 5], ['long name', 12345]]), [
    'NAME       COUNT', 'a              5', 'long name  12345',
  ]);
});

cli('times and sizes are short', () => {
  assert.equal([5, 65, 3700, 90_000].map(formatSeconds), ['5 s', '1 min', '1 h 1 min', '1 d 1 h']);
  assert.equal([999, 65_536, 20_000_000].map(formatBytes), ['999 B', '64 KiB', '19.1 MiB']);
  assert.equal([0, 951_782_400_000, 1_709_164_799_000, 4_102_444_800_000].map(formatTime), [
    '1970-01-01 00:00:00', '2000-02-29 00:00:00', '2024-02-28 23:59:59', '2100-01-01 00:00:00',
  ]);
});

cli('lines end with LF or CR LF, however the input is cut', async () => {
  assert.equal(await lines('a\nb\r', '\nc', 'd\n\ne'), ['a', 'b', 'cd', '', 'e']);
  assert.equal(await lines(), []);
});

cli('a line that is too long is refused, also before it has ended', async () => {
  for (const input of [['12345678901\n'], ['123456789', '0123'], ['x\n', '12345678901']]) {
    let refused = '';
    await lines(...input).catch((error: Error) => (refused = error.message));
    assert.match(refused, /more than 10 bytes in one message/);
  }
  assert.is((await readAll(chunks('ab', 'cd'), 4)).length, 4);
});

cli.run();
