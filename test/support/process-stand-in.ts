/**
 * What uvu and kleur need of Node's `process`, for txiki.js: without it uvu prints a line per dot and always exits 0.
 * Must be imported before uvu. Also tells uvu that somebody else (harness.ts) runs the queue.
 */
interface Globals {
  process?: unknown;
  UVU_DEFER?: number;
  UVU_QUEUE?: unknown[][];
  UVU_INDEX?: number;
}

const globals = globalThis as unknown as Globals;
globals.UVU_DEFER = 1;
globals.UVU_INDEX = 0;
globals.UVU_QUEUE = [[null]];

let line = '';
if (globals.process === undefined) {
  globals.process = {
    argv: [],
    env: { NO_COLOR: '1' },
    exitCode: 0,
    on() {},
    hrtime(start?: [number, number]) {
      const ms = performance.now() - (start === undefined ? 0 : start[0] * 1e3 + start[1] / 1e6);
      return [Math.floor(ms / 1e3), Math.round((ms % 1e3) * 1e6)];
    },
    stdout: {
      write(text: string) { // console.log is the one synchronous output: so a line at a time
        line += text;
        const end = line.lastIndexOf('\n');
        if (end < 0) return;
        console.log(line.slice(0, end));
        line = line.slice(end + 1);
      },
    },
  };
}
