import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LineLog } from '../../../src/runtime/log.ts';

const log = suite('log');

log('prints what its level allows and keeps the recent lines', () => {
  const lines: string[] = [];
  const levels: string[] = [];
  const subject = new LineLog('warn', (line, level) => {
    lines.push(line);
    levels.push(level);
  });
  subject.error('a');
  subject.info('b');
  subject.level = 'debug';
  subject.debug('c');
  subject.info('d');
  assert.equal(lines, ['error: a', 'debug: c', 'd']);
  assert.equal(levels, ['error', 'debug', 'info']);
  assert.equal(subject.recent, lines);
});

log.run();
