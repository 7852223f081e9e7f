/** Which names the build may shorten: a wrong one is a field that programs on the control socket no longer find. */
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const { privateNames } = await import(pathToFileURL('scripts/private-names.mjs').href) as { privateNames(code: string): string[] };

const names = suite('names that the build shortens');
const shortened = (code: string, name: string, expected: boolean): void => {
  assert.is(privateNames(code).includes(name), expected, code);
};
names('members of classes and functions in literals', () => {
  shortened('class A { sendWord() {} }', 'sendWord', true);
  shortened('class A { get wordCount() { return 1; } }', 'wordCount', true);
  shortened('class A { wordCount = 1; }', 'wordCount', true);
  shortened('f({ onWord() {}, onLine: () => {} })', 'onWord', true);
  shortened('f({ onWord() {}, onLine: () => {} })', 'onLine', true);
});
names('no name that some data has', () => {
  const member = 'class A { wordCount = 1; }';
  for (const data of ['({ wordCount: 1 })', 'let wordCount; f({ wordCount })', '({ get wordCount() { return 1; } })',
    'let { wordCount } = x', 'let { wordCount: count } = x', 'function f({ wordCount = 1 }) {}']) {
    shortened(`${member} ${data}`, 'wordCount', false);
  }
  shortened('f({ word: 1 }, { word() {} })', 'word', false);
});
names('no name that stands in a text', () => {
  for (const text of ['"wordCount"', '"a wordCount b"', '`x${1} wordCount`', 'x["wordCount"]']) {
    shortened(`class A { wordCount = 1; } ${text}`, 'wordCount', false);
  }
});
names('no name that is only read, nor one of private fields', () => {
  shortened('f(x.wordCount)', 'wordCount', false);
  shortened('class A { #wordCount = 1; }', 'wordCount', false);
});
names('no name of the language, of Node or of txiki.js', () => {
  for (const name of ['return', 'toString', 'getUint32', 'networkInterfaces', 'startRecv', 'setImportMap']) {
    shortened(`class A { ${name}() {} }`, name, false);
  }
  shortened('class A { decode() {} } new TextDecoder().decode(x)', 'decode', false);
  for (const name of ['addMembership', 'getWriter', 'getRandomValues']) shortened(`class A { ${name}() {} }`, name, false);
});
names.run();
