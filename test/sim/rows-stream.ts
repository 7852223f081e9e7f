/** Rows on streams: 500 messages of 1000 B at 50/s from one source, RTT 100 ms. */
import { streamCell } from './cells.ts';
import type { Line, Row } from './report-rows.ts';
import { type Tally, tally } from './tally.ts';

export const RTT = 100;

export function percent(loss: number): string {
  return `${Math.round(loss * 100)} %`;
}

export function line(goal: string, cell: string, seeds: number, bar: string, measured: number, limit: number): Line {
  return { goal, cell, seeds, bar: `<= ${bar}`, measured: measured.toFixed(3), pass: measured <= limit };
}

/** Completeness as a line of its own. */
export function completeLine(cell: string, run: Tally): Line {
  const silent = run.owed - run.delivered - run.gaps;
  return {
    goal: 'completeness', cell, seeds: run.seeds, bar: 'all delivered or reported, within 30 s',
    measured: `${run.delivered} of ${run.owed} delivered, ${run.gaps} reported, ${Math.max(0, silent)} silent, ` +
      `${run.violations.length} violations, last after ${(run.slowestMs / 1000).toFixed(1)} s` +
      (run.unsettled ? `, ${run.unsettled} runs not settled` : '') + (run.violations[0] ? ` (${run.violations[0]})` : ''),
    pass: run.complete && run.slowestMs <= 30_000,
  };
}

function streamRow(nodes: number, loss: number, seeds: number): Row {
  return {
    name: `stream-${nodes}-${Math.round(loss * 100)}`, seeds,
    run: (count) => {
      const cell = `stream, N = ${nodes}, ${percent(loss)}`;
      const escalated = tally(count, (seed) => streamCell({ seed, nodes, network: { loss } }));
      const lines = [completeLine(cell, escalated)];
      const best = 1 / (1 - loss);
      const factor = loss > 0.1 ? 1.09 : 1.03;
      if (loss > 0) lines.push(line('stream copies', `${cell}, with escalation`, count, `${factor}/(1-p)`, escalated.copies, factor * best));
      if (loss === 0.01) lines.push(line('control per copy', cell, count, '0.12', escalated.control, 0.12));
      if (loss === 0.1) lines.push(line('control per copy', cell, count, '0.20', escalated.control, 0.2));
      if (loss > 0) {
        const p99 = loss <= 0.05 ? 3.2 : loss <= 0.1 ? 4 : 6;
        lines.push(line('recovery p50, RTT', cell, count, '1.5', escalated.recovery(0.5), 1.5));
        lines.push(line('recovery p99, RTT', cell, count, String(p99), escalated.recovery(0.99), p99));
      }
      lines.push({
        goal: 'latency in order p50/p99', cell, seeds: count, bar: '(told)', pass: true,
        measured: `${escalated.latency(0.5)} / ${escalated.latency(0.99)} ms`,
      });
      if (loss > 0 && loss <= 0.1) lines.push(...plainLines(nodes, loss, count, cell));
      return lines;
    },
  };
}

/** The same without escalation. */
function plainLines(nodes: number, loss: number, count: number, cell: string): Line[] {
  const plain = tally(count, (seed) => streamCell({ seed, nodes, network: { loss }, nodeOptions: { escalate: false } }));
  const best = 1 / (1 - loss);
  const lines = [line('stream copies', `${cell}, no escalation`, count, '1.01/(1-p)', plain.copies, 1.01 * best)];
  if (loss === 0.1) {
    const requests = line('requests per lost copy', `${cell}, no escalation`, count, '1.2', plain.requestsPerLoss, 1.2);
    lines.push({ ...requests, measured: `${requests.measured} (they name ${plain.requestedPerLoss.toFixed(3)} packets)` });
    lines.push(line('repairs per lost copy', `${cell}, no escalation`, count, '1.06/(1-p)', plain.repairsPerLoss, 1.06 * best));
  }
  return lines;
}

export const streamRows: readonly Row[] = [
  streamRow(5, 0.1, 10), streamRow(20, 0, 10), streamRow(20, 0.01, 10), streamRow(20, 0.05, 10), streamRow(20, 0.1, 10),
  streamRow(20, 0.3, 10), streamRow(200, 0.1, 2), streamRow(200, 0.3, 1),
];
