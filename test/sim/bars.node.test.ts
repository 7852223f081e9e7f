/** What the protocol costs, on a few seeds. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bars } from './bars.ts';

for (const { name, run } of bars) test(name, () => assert.equal(run(), []));

test.run();
