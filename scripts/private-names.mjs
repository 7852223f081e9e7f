// Which property names are the script's own business, so that the build may shorten them: names of class members, and
// of functions in object literals, that no data has and no runtime knows. Data that leaves (JSON, ubus tables, counters)
// is made in object literals; data that came in is read as { name } = data, or as data['name'], which tsconfig.json asks for
// (noPropertyAccessFromIndexSignature). All names in literals, patterns and strings stay, so nobody has to keep a list.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import swc from '@swc/core';

/**
 * What describes others' objects: the language, Node with what it has of the web, and our adapters. tsc knows no other,
 * so no code can use one that is not in them.
 */
function foreignFiles() {
  const [platform] = readdirSync('node_modules/@typescript');
  const files = (folder, pattern) => readdirSync(folder, { recursive: true })
    .filter((name) => pattern.test(name)).map((name) => join(folder, name));
  return [
    ...files(join('node_modules/@typescript', platform, 'lib'), /^lib\.es.*\.d\.ts$/),
    ...files('node_modules/@types/node', /\.d\.ts$/),
    ...files('src/runtime', /^(node|txiki)/),
  ];
}

/** Every name in the file that may be a member's; too many are better than one too few. */
function declaredNames(path) {
  const code = readFileSync(path, 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
  return code.match(/[A-Za-z_$][\w$]*(?=[?!]?\s*[(:<;=])/g) ?? [];
}

/** Calls visit with each node of a syntax tree. Not recursive: code can be deep. */
function walk(tree, visit) {
  const queue = [tree];
  while (queue.length > 0) {
    const node = queue.pop();
    if (node === null || typeof node !== 'object') continue;
    if (typeof node.type === 'string') visit(node);
    queue.push(...Object.values(node));
  }
}

const FUNCTIONS = new Set(['FunctionExpression', 'ArrowFunctionExpression']);
const MEMBERS = new Set(['ClassMethod', 'ClassProperty', 'MethodProperty']);
const DATA = new Set(['GetterProperty', 'KeyValuePatternProperty', 'AssignmentPatternProperty']);
const words = (text) => text.match(/[\w$]+/g) ?? [];

/** @returns {members, data}: names of class members and functions, and those in data and texts. */
function namesIn(code) {
  const members = new Set();
  const data = new Set();
  walk(swc.parseSync(code, { syntax: 'ecmascript', target: 'es2022' }), (node) => {
    const name = node.key?.type === 'Identifier' ? node.key.value : undefined;
    if (MEMBERS.has(node.type)) members.add(name);
    else if (node.type === 'KeyValueProperty') (FUNCTIONS.has(node.value.type) ? members : data).add(name);
    else if (DATA.has(node.type)) data.add(name ?? node.key.value);
    else if (node.type === 'ObjectExpression') node.properties.forEach(({ type, value }) => type === 'Identifier' && data.add(value));
    else if (node.type === 'StringLiteral') words(node.value).forEach((word) => data.add(word));
    else if (node.type === 'TemplateElement') words(node.raw).forEach((word) => data.add(word));
  });
  return { members, data };
}

/** @param code the bundle, not minified. @returns the names that may change, in the order of the alphabet. */
export function privateNames(code) {
  const { members, data } = namesIn(code);
  const foreign = new Set(foreignFiles().flatMap(declaredNames));
  return [...members].filter((name) => name?.length > 2 && !data.has(name) && !foreign.has(name)).sort();
}
