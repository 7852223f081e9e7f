/**
 * Reads single values out of cjdns's own JSON: cjdroute.conf has comments and may lack commas. Looks for a few paths
 * and builds nothing else, as the same file holds the private key.
 */

const TOKEN = /\/\/[^\n]*|\/\*[^]*?\*\/|"((?:[^"\\]|\\.)*)"|[{}[\]]|[^\s,:{}[\]"]+/g;
const DEPTH_MAX = 32;

/**
 * @param paths e.g. "admin.password"; items of lists have no path.
 * @returns the strings and numbers (as text) found at these paths.
 */
export function looseValues(text: string, paths: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const names: string[] = []; // of the containers that are open; the outermost one is ''
  const isList: boolean[] = [];
  let key: string | undefined;
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0];
    if (token.startsWith('//') || token.startsWith('/*')) continue;
    if (token === '{' || token === '[') {
      names.push(key ?? '');
      isList.push(token === '[');
      key = undefined;
      if (names.length > DEPTH_MAX) break;
    } else if (token === '}' || token === ']') {
      names.pop();
      isList.pop();
      key = undefined;
    } else if (isList.at(-1) === true) {
      continue;
    } else if (key === undefined) {
      key = match[1] ?? token;
    } else {
      const path = [...names.slice(1), key].join('.');
      if (paths.includes(path) && !found.has(path)) found.set(path, (match[1] ?? token).replace(/\\(.)/g, '$1'));
      key = undefined;
    }
  }
  return found;
}
