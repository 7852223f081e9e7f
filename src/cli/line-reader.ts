/** Cuts an input into lines, of any bytes, ended by LF or CR LF; the last one may lack its end. */
import { joinChunks } from '../encoding/bytes.ts';

const LF = 10;
const CR = 13;

/** @throws RangeError when a line is longer than `bytesMax`. */
export async function* readLines(input: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const line = joinChunks([rest, chunk.subarray(start, end)]);
      rest = new Uint8Array(0);
      start = end + 1;
      yield checked(line.at(-1) === CR ? line.subarray(0, -1) : line, bytesMax);
    }
    rest = joinChunks([rest, chunk.subarray(start)]);
    checked(rest, bytesMax, 1); // a CR before the end that is still to come
  }
  if (rest.length > 0) yield checked(rest, bytesMax);
}

/** All of an input. @throws RangeError when longer than `bytesMax`. */
export async function readAll(input: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  let all: Uint8Array = new Uint8Array(0);
  for await (const chunk of input) all = checked(joinChunks([all, chunk]), bytesMax);
  return all;
}

function checked<T extends Uint8Array>(bytes: T, bytesMax: number, slack = 0): T {
  if (bytes.length > bytesMax + slack) throw new RangeError(`more than ${bytesMax} bytes in one message`);
  return bytes;
}
