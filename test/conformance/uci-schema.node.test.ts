/** The schema, the default file, the init script and the documentation say the same. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadOptions } from '../../src/config/interpret.ts';
import { optionName, SCHEMA } from '../../src/config/schema.ts';

const schema = suite('schema');

schema('has not drifted from what is generated from it', () => {
  const { status, stderr } = spawnSync('node', ['scripts/generate-config.mjs'], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
});

schema('the default file is one that the daemon takes, without a warning', () => {
  const { options, errors, warnings } = loadOptions('F', readFileSync('openwrt/files/etc/config/meshchat'));
  assert.equal([errors, warnings], [[], []]);
  assert.equal(options?.mesh.map(({ name, type }) => [name, type]), [['cjdns', 'cjdns'], ['yggdrasil', 'yggdrasil']]);
  assert.equal(options?.irc.interface, ['lan']);
});

schema('the default file with every comment made an option still says what the defaults are', () => {
  const text = readFileSync('openwrt/files/etc/config/meshchat', 'utf8').replace(/^\t#(option|list)/gm, '\t$1');
  const withoutEmpty = text.replace(/^\t(option|list) \w+ ''\n/gm, '');
  const { options, errors } = loadOptions('F', new TextEncoder().encode(withoutEmpty));
  assert.equal(errors, []);
  const { options: plain } = loadOptions('F', undefined);
  assert.equal(options?.meshchat, plain?.meshchat);
  assert.equal({ ...options?.irc, interface: [] }, plain?.irc);
});

schema('the default file names every option of the sections that it has', () => {
  const text = readFileSync('openwrt/files/etc/config/meshchat', 'utf8');
  for (const type of ['meshchat', 'irc'] as const) {
    for (const key of Object.keys(SCHEMA[type].fields)) assert.match(text, new RegExp(`(option|list) ${optionName(key)} `));
  }
});

schema('each default is one that its own check takes', () => {
  for (const [type, { fields }] of Object.entries(SCHEMA)) {
    for (const [key, field] of Object.entries(fields)) {
      for (const value of field.list ? (field.fallback as unknown[]) : [field.fallback]) {
        if (typeof value !== 'number' || value === 0 || key === 'socketMode') continue;
        assert.equal(field.list ? undefined : field.read(String(value)), value, `${type}.${key}`);
      }
    }
  }
});

schema.run();
