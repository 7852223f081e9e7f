/** `meshchat genpasswd`: what the `option password` of an account or operator is to be. */
import { hashPassword } from '../encoding/password.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { readLines } from './line-reader.ts';
import { EXIT_FAILED, EXIT_OK } from './main.ts';

/** What fits an AUTHENTICATE line with its account. */
const PASSWORD_BYTES_MAX = 200;
const SALT_BYTES = 12;

export async function genpasswd(runtime: Runtime): Promise<number> {
  runtime.printError('The password, as one line (it is shown as you type):');
  const password = await firstLine(runtime).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  });
  if (password === undefined || password === '') {
    runtime.printError(`meshchat: a password has 1 to ${PASSWORD_BYTES_MAX} bytes`);
    return EXIT_FAILED;
  }
  const sha256 = (bytes: Uint8Array): Uint8Array => runtime.sha256(bytes);
  const later = (task: () => void): void => runtime.later(task);
  runtime.print(await hashPassword(sha256, password, runtime.randomBytes(SALT_BYTES), later));
  return EXIT_OK;
}

async function firstLine(runtime: Runtime): Promise<string | undefined> {
  for await (const line of readLines(runtime.readInput(), PASSWORD_BYTES_MAX)) return new TextDecoder().decode(line);
  return undefined;
}
