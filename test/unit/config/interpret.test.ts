import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LIST_LENGTH_MAX, loadOptions, SECTIONS_MAX, type LoadResult } from '../../../src/config/interpret.ts';
import type { DaemonOptions } from '../../../src/config/options.ts';

const interpret = suite('options');

function load(text: string, ...sets: string[]): LoadResult {
  return loadOptions('F', new TextEncoder().encode(text), sets);
}
function good(text: string, ...sets: string[]): DaemonOptions {
  const { options, errors, warnings } = load(text, ...sets);
  assert.equal(errors, []);
  assert.equal(warnings, []);
  return options!;
}
/** The only error. */
function bad(text: string, ...sets: string[]): string {
  const { options, errors } = load(text, ...sets);
  assert.is(options, undefined);
  assert.is(errors.length, 1, errors.join('\n'));
  return errors[0]!;
}

interpret('without a file all is default', () => {
  const { options } = loadOptions('F', undefined);
  assert.is(options?.meshchat.port, 14627);
  assert.is(options?.meshchat.socketMode, 0o660);
  assert.equal(options?.mesh, []);
  assert.equal(options?.irc.listen, [{ address: '127.0.0.1', port: 6667 }]);
});

interpret('reads every kind of value', () => {
  const options = good(`
config meshchat 'main'
	option enabled 'off'
	option log 'debug'
	option port '4000'
	option socket_mode '0600'
	option system_bus 'off'
config mesh 'home'
	option type 'static'
	list address 'br-lan'
	list peer 'FC00:0::1'
	list peer '10.0.0.1:99'
config group
	option name 'sensors'
	option start '50'
	option ordered '0'
	option playout_ms '100'
config irc
	list listen '[::1]:7000'
	option listen_v6 ''
	option motd 'one line'
config account
	option name 'alice'
	option password 'pbkdf2-sha256$20000$c2FsdA==$aGFzaA=='
`);
  const { meshchat, mesh, group, irc, account } = options;
  assert.equal([meshchat.enabled, meshchat.log, meshchat.port, meshchat.socketMode], [false, 'debug', 4000, 0o600]);
  assert.is(meshchat.systemBus, '');
  assert.equal([mesh[0]?.name, mesh[0]?.type, mesh[0]?.address], ['home', 'static', ['br-lan']]);
  assert.equal(mesh[0]?.peer, ['fc00::1', '10.0.0.1:99'], 'in canonical text');
  assert.equal([group[0]?.name, group[0]?.start, group[0]?.ordered], ['sensors', { last: 50 }, false]);
  assert.equal(irc.listen, [{ address: '::1', port: 7000 }], 'replaces the default');
  assert.equal(irc.motd, ['one line'], 'an option line will do for a list of one');
  assert.is(account[0]?.name, 'alice');
});

interpret('takes masks of nodes', () => {
  assert.equal(good('', 'irc.ban=FC12:0::1,fc12:*').irc.ban, ['fc12::1', 'fc12:*']);
  assert.ok(bad('', 'irc.ban=fc12').includes('a mesh address, * and ? match'));
});

interpret('knows the booleans of OpenWrt', () => {
  for (const word of ['1', 'on', 'true', 'yes', 'enabled']) assert.is(good(`config irc\n\toption enabled ${word}\n`).irc.enabled, true);
  for (const word of ['0', 'off', 'false', 'no', 'disabled']) assert.is(good(`config irc\n\toption enabled ${word}\n`).irc.enabled, false);
  assert.ok(bad('config irc\n\toption enabled TRUE\n').includes('allowed: 0 or 1'));
});

interpret('names file, section, option, value and what is allowed', () => {
  assert.is(
    bad("config meshchat 'main'\n\toption port '70000'\n"),
    "F: section main (meshchat), option port is '70000'; allowed: 1 to 65535",
  );
  assert.is(
    bad("config mesh\n\toption type 'cjdsn'\n"),
    "F: section @mesh[0] (mesh), option type is 'cjdsn'; allowed: cjdns, yggdrasil, static, lan",
  );
});

interpret('wants numbers in their range and a port where there must be one', () => {
  assert.ok(bad('', 'main.port=0').includes("is '0'; allowed: 1 to 65535"));
  assert.ok(bad('', 'main.port=65536').includes('allowed: 1 to 65535'));
  assert.ok(bad('', 'main.port=1e3').includes('allowed: 1 to 65535'));
  assert.ok(bad('', 'irc.listen=127.0.0.1').includes('allowed: IPV4:PORT or [IPV6]:PORT'));
});

interpret('tells all errors at once', () => {
  assert.is(load("config meshchat 'main'\n\toption port x\n\toption log x\n", 'irc.flood=x').errors.length, 3);
});

interpret('tells twenty errors and counts the rest', () => {
  const { errors } = load(`config irc\n${'\tlist ban x\n'.repeat(30)}`);
  assert.is(errors.length, 21);
  assert.is(errors.at(-1), 'and 10 more');
});

interpret('does not tell a secret', () => {
  assert.not.ok(bad("config account\n\toption name a\n\toption password 'hunter2'\n").includes('hunter2'));
});

interpret('wants what is required', () => {
  assert.is(bad('config group\n'), 'F: section @group[0] (group), option name is missing; allowed: a group name of 1 to 64 bytes');
});

interpret('refuses a list where there is one value', () => {
  assert.ok(bad("config meshchat 'main'\n\tlist log info\n").includes('option log has a list of 1 values; allowed: one value, error'));
});

interpret('calls a mesh without a name by its type, and with a number where that name is taken', () => {
  const { options } = loadOptions('F', new TextEncoder().encode(
    'config mesh\n\toption type static\nconfig mesh\n\toption type lan\nconfig mesh\n\toption type lan\nconfig mesh static\n\toption type lan\n',
  ));
  assert.equal(options?.mesh.map(({ name, type }) => `${name} ${type}`), ['static2 static', 'lan lan', 'lan2 lan', 'static lan']);
});

interpret('refuses a name that is there twice', () => {
  assert.is(
    bad('config group\n\toption name a\nconfig group\n\toption name a\n'),
    "F: section @group[1] (group), option name: 'a' is there twice",
  );
});

interpret('refuses a second section where there is one', () => {
  assert.is(bad('config irc\nconfig irc\n'), 'F: 2 sections of type irc; allowed: 1');
});

interpret('refuses more than its limits', () => {
  const list = "\tlist autojoin '#a'\n".repeat(LIST_LENGTH_MAX + 1);
  assert.ok(bad(`config irc\n${list}`).includes(`allowed: ${LIST_LENGTH_MAX}`));
  let sections = '';
  for (let i = 0; i <= SECTIONS_MAX; i++) sections += `config group\n\toption name g${i}\n`;
  assert.ok(bad(sections).includes(`allowed: ${SECTIONS_MAX}`));
});

interpret('warns of unknown names and tells the nearest known one', () => {
  const { options, warnings } = load("config meshchat 'main'\n\toption prot 5\nconfig mehs\nconfig irc\n\toption qqqqqqqq 1\n");
  assert.ok(options, 'they are no errors');
  assert.equal(warnings, [
    'F: section main (meshchat), option prot: unknown option; did you mean port?',
    'F: section @mehs[0] (mehs): unknown section type; did you mean mesh?',
    'F: section @irc[0] (irc), option qqqqqqqq: unknown option',
  ]);
});

interpret('is not misled by names of Object', () => {
  const { options, warnings } = load('config constructor\nconfig irc\n\toption __proto__ 1\n\toption hasOwnProperty 2\n');
  assert.ok(options);
  assert.is(warnings.length, 3);
  assert.is(bad('', 'toString.x=1'), '--set toString.x=1: unknown section');
  assert.is(bad('', 'irc.constructor=1'), '--set irc.constructor=1: unknown option');
});

interpret('refuses a name that --set mistypes, and tells the nearest', () => {
  assert.is(bad('', 'irc.lsten=127.0.0.1:1'), '--set irc.lsten=127.0.0.1:1: unknown option; did you mean listen?');
});

interpret('overrides with --set, naming it in errors', () => {
  assert.is(good("config meshchat 'main'\n\toption port 5\n", 'meshchat.port=6').meshchat.port, 6);
  assert.is(good('', 'main.port=7').meshchat.port, 7);
  assert.ok(bad('', 'irc.flood=-1').startsWith('--set: section irc (irc), option flood'));
  assert.ok(bad('', 'nonsense').startsWith('--set nonsense: write SECTION.OPTION=VALUE'));
});

interpret('takes lists in --set with commas or repeated, in place of what the file has', () => {
  const file = "config irc\n\tlist autojoin '#old'\n";
  assert.equal(good(file, 'irc.autojoin=#a,#b', 'irc.autojoin=#c').irc.autojoin, ['#a', '#b', '#c']);
});

interpret('makes sections with --set', () => {
  const { mesh } = good('', 'mesh.type=static', 'mesh.address=127.0.0.2', 'second=mesh', 'second.type=lan');
  assert.equal(mesh.map(({ name, type }) => [name, type]), [['mesh', 'static'], ['second', 'lan']]);
});

interpret('calls meshes without a name after their type', () => {
  const { mesh } = good('config mesh\n\toption type lan\nconfig mesh\n\toption type lan\nconfig mesh x\n\toption type lan\n');
  assert.equal(mesh.map(({ name }) => name), ['lan', 'lan2', 'x']);
});

interpret('passes on what uci says of a broken file', () => {
  assert.is(bad('config\n'), 'F: uci: Parse error (invalid command) at line 1, byte 0');
});

interpret.run();
