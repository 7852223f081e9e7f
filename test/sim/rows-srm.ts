/** Rows on the srm repair mode: requests and repairs per loss in the star, beside what ns-2 measured. */
import type { Line, Row } from './report-rows.ts';
import { mean, PUBLISHED, srmStar } from './srm-star.ts';

const LOSSES = 100;

function starRow(members: number, fixed: number, first: number, adapted: number): Row {
  return {
    name: `srm-${members}`, seeds: members > 50 ? 2 : 5,
    run: (count) => {
      const fixedRequests: number[] = [];
      const firstRequests: number[] = [];
      const lastRequests: number[] = [];
      const repairs: number[] = [];
      const problems: string[] = [];
      for (let seed = 1; seed <= count; seed++) {
        const plain = srmStar(seed, members, LOSSES / 2, false);
        const adaptive = srmStar(seed, members, LOSSES, true);
        fixedRequests.push(...plain.requests);
        firstRequests.push(...adaptive.requests.slice(0, 10));
        lastRequests.push(...adaptive.requests.slice(-40));
        repairs.push(...plain.repairs, ...adaptive.repairs);
        problems.push(...plain.problems, ...adaptive.problems);
      }
      const cell = `SRM star, G = ${members}`;
      const near = (goal: string, published: number, measured: number): Line => ({
        goal, cell, seeds: count, bar: `ns-2: ${published}`, measured: measured.toFixed(2),
        pass: measured >= published * 0.75 && measured <= published * 1.25,
      });
      return [
        near('requests per loss, fixed constants', fixed, mean(fixedRequests)),
        {
          goal: 'requests per loss, adapted', cell, seeds: count, bar: `ns-2: ${first} at first, ${adapted} in the end`,
          measured: `${mean(firstRequests).toFixed(2)} at first, ${mean(lastRequests).toFixed(2)} in the end`,
          pass: mean(lastRequests) <= adapted * 1.5,
        },
        {
          goal: 'repairs per loss', cell, seeds: count, bar: 'ns-2: 1.00, and nothing missing', pass: problems.length === 0 && mean(repairs) < 1.1,
          measured: mean(repairs).toFixed(2) + (problems.length > 0 ? `; ${problems[0]}` : ''),
        },
      ];
    },
  };
}

export const srmRows: readonly Row[] = PUBLISHED.map(({ members, fixed, first, adapted }) => starRow(members, fixed, first, adapted));
