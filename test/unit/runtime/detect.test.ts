import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { wantsInternal } from '../../../src/runtime/detect.ts';

const detect = suite('choice of sockets');
detect('the internal sockets are used in the versions that were tried, and nowhere else', () => {
  for (const version of ['26.6.0', '26.6.1', '26.12.0']) assert.ok(wantsInternal(version, undefined), version);
  for (const version of ['24.12.0', '26.5.9', '27.0.0', '27.6.0', '']) assert.not(wantsInternal(version, undefined), version);
});
detect('the environment decides where it says something', () => {
  assert.ok(wantsInternal('26.3.0', '1'));
  assert.not(wantsInternal('26.6.0', '0'));
  assert.ok(wantsInternal('26.6.0', ''));
});
detect.run();
