import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemError } from '../../../src/runtime/runtime.ts';
import { checkSocketPath, listenOnPath, systemError } from '../../../src/runtime/socket-path.ts';
import { refusal } from './contract.ts';

const refuse = (code: string) => async (): Promise<never> => {
  throw new SystemError(code, code);
};

/** Listening fails at first: a file is in the way. */
function setup(probe: () => Promise<void>, isSocket = true) {
  const calls: string[] = [];
  let inTheWay = true;
  const result = listenOnPath('/x', {
    async listen() {
      calls.push('listen');
      if (inTheWay) throw new SystemError('EADDRINUSE', 'in use');
      return 'listening';
    },
    probe,
    isSocket: async () => isSocket,
    async remove() {
      calls.push('remove');
      inTheWay = false;
    },
  });
  return { calls, result };
}

const paths = suite('socket path');
paths('a socket file that nobody answers on is removed', async () => {
  const { calls, result } = setup(refuse('ECONNREFUSED'));
  assert.is(await result, 'listening');
  assert.equal(calls, ['listen', 'remove', 'listen']);
});
paths('one that answers stays', async () => {
  const { calls, result } = setup(async () => {});
  assert.is(await refusal(result), 'EADDRINUSE');
  assert.equal(calls, ['listen']);
});
paths('one that may not be asked stays', async () => {
  const { calls, result } = setup(refuse('EACCES'));
  assert.is(await refusal(result), 'EADDRINUSE');
  assert.equal(calls, ['listen']);
});
paths('a file that is no socket stays', async () => {
  const { calls, result } = setup(refuse('ECONNREFUSED'), false);
  assert.is(await refusal(result), 'EADDRINUSE');
  assert.equal(calls, ['listen']);
});
paths('the limit counts bytes, not characters', async () => {
  checkSocketPath(`/${'x'.repeat(106)}`);
  assert.throws(() => checkSocketPath(`/${'x'.repeat(107)}`), /108 bytes/);
  assert.throws(() => checkSocketPath(`/${'ä'.repeat(54)}`), /109 bytes/);
});
paths('an error without a name gets one', () => {
  assert.is(systemError(new Error('x')).code, 'EIO');
  assert.is(systemError('text').message, 'text');
  assert.is(systemError(Object.assign(new Error('x'), { code: 'EPERM' })).code, 'EPERM');
});
paths.run();
