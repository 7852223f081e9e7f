/** The srm repair mode against published behaviour: ns-2's star, G = 5, 20, 50, 100. Limits: published value and a margin. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mean, PUBLISHED, srmStar } from './srm-star.ts';

const FIXED_LOSSES = 12;

for (const { members, fixed } of PUBLISHED) {
  test(`G = ${members}, constants fixed: about ${fixed} requests and one repair per loss`, () => {
    const { requests, repairs, problems } = srmStar(1, members, FIXED_LOSSES, false);
    assert.equal(problems, []);
    const found = mean(requests);
    assert.ok(found > fixed * 0.7 && found < fixed * 1.3, `${found} requests per loss`);
    assert.ok(mean(repairs) > 0.99 && mean(repairs) < 1.1, `${mean(repairs)} repairs per loss`);
  });
}

test('G = 20, constants that adapt: about two requests per loss in the end', () => {
  const { requests, problems } = srmStar(2, 20, 70, true);
  assert.equal(problems, []);
  const first = mean(requests.slice(0, 10));
  const last = mean(requests.slice(-30));
  assert.ok(last < 3 && last < first, `${first} requests per loss at first, ${last} in the end`);
});

test.run();
