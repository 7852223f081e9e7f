/** txiki.js 26's internals, which its own library is made of; programs reach them through an import map only. */
import type { Txiki } from './txiki-types.ts';

/** Rejects where this version has none. What is in them may change with any version: look before you use it. */
export async function importCore<Core>(tjs: Txiki): Promise<Core> {
  const name = 'meshchat-core'; // in a variable: the bundler must leave it alone
  tjs.setImportMap?.({ imports: { [name]: 'tjs:internal/core' } }, '/');
  return ((await import(name)) as { default: Core }).default;
}
