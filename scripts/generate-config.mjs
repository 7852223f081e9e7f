// What follows from the option schema (src/config/schema.ts, help.ts):
//   openwrt/files/etc/config/meshchat     the commented default
//   openwrt/files/etc/init.d/meshchat     its lines between "# generated" and "# end"
//   docs/configuration.md
// node scripts/generate-config.mjs          says what differs, status 1
// node scripts/generate-config.mjs --write  writes it
import { build } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';

const CONFIG = 'openwrt/files/etc/config/meshchat';
const INIT = 'openwrt/files/etc/init.d/meshchat';
const DOCS = 'docs/configuration.md';

const bundle = await build({
  stdin: {
    contents: "export { SCHEMA, optionName } from './src/config/schema.ts'; export { HELP } from './src/config/help.ts';",
    resolveDir: process.cwd(), loader: 'ts',
  },
  bundle: true, format: 'esm', write: false,
});
const { SCHEMA, HELP, optionName } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0].text)}`);

/** Sections and options that stand in the default file as they are; all others are comments. */
const DEFAULT_SECTIONS = { meshchat: ['main'], mesh: ['cjdns', 'yggdrasil'], irc: ['irc'], group: [], account: [] };
const DEFAULT_OPTIONS = {
  main: [['option', 'enabled', '1']],
  cjdns: [['option', 'type', 'cjdns'], ['option', 'enabled', '1']],
  yggdrasil: [['option', 'type', 'yggdrasil'], ['option', 'enabled', '1']],
  irc: [['option', 'enabled', '1'], ['list', 'listen', '127.0.0.1:6667'], ['list', 'interface', 'lan']],
};

function uciText(name, value) {
  if (value === '' && name === 'system_bus') return 'off';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (name.endsWith('_mode')) return `0${value.toString(8)}`;
  if (typeof value === 'object') return `${value.address}:${value.port}`;
  return String(value);
}

function values(name, field) {
  const given = field.list ? field.fallback : field.fallback === '' || (name === 'admin_port' && field.fallback === 0) ? [] : [field.fallback];
  return given.map((value) => uciText(name, value));
}

function configFile() {
  let text = `# meshchat: group messaging for encrypted meshes. All options: docs/configuration.md of the sources.
# A line that begins with # shows a default or an example. After a change: /etc/init.d/meshchat reload
`;
  for (const [type, { fields }] of Object.entries(SCHEMA)) {
    text += `\n# ${HELP[type].about}\n`;
    for (const name of DEFAULT_SECTIONS[type]) text += `${sectionText(type, name, fields)}\n`;
    if (HELP[type].example) text += `${exampleText(type, fields)}\n`;
  }
  return `${text.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

function sectionText(type, name, fields) {
  let text = `config ${type} '${name}'\n`;
  const set = DEFAULT_OPTIONS[name];
  for (const [keyword, option, value] of set) text += `\t${keyword} ${option} '${value}'\n`;
  if (type === 'mesh') return text;
  for (const [key, field] of Object.entries(fields)) {
    const option = optionName(key);
    if (set.some((line) => line[1] === option)) continue;
    text += `\t# ${HELP[type].options[key]} (${field.allowed})\n`;
    const shown = values(option, field);
    for (const value of shown.length > 0 ? shown : ['']) text += `\t#${field.list ? 'list' : 'option'} ${option} '${value}'\n`;
  }
  return text;
}

function exampleText(type, fields) {
  let text = `#config ${type}\n`;
  for (const [option, value] of HELP[type].example) {
    const field = Object.entries(fields).find(([key]) => optionName(key) === option)[1];
    text += `#\t${field.list ? 'list' : 'option'} ${option} '${value}'\n`;
  }
  return text;
}

/** The type as validate_data of OpenWrt knows it; what it cannot say, the daemon checks. */
function validateType(field) {
  if (typeof field.fallback === 'boolean') return 'bool';
  const range = /^(\d+) to (\d+)/.exec(field.allowed);
  if (range) return `range(${range[1]},${range[2]})`;
  const words = /^\w+(, \w+)+$/.test(field.allowed) ? field.allowed.split(', ') : [];
  const type = words.length > 0 ? `or(${words.map((word) => `"${word}"`).join(',')})` : 'string';
  return field.list ? `list(${type})` : type;
}

/** What procd tells LuCI and others who ask `ubus call service validate`. */
function describeFunction() {
  let text = 'describe_sections() {\n';
  for (const [type, { fields }] of Object.entries(SCHEMA)) {
    const lines = Object.entries(fields).map(([key, field]) => `\t\t'${optionName(key)}:${validateType(field)}'`);
    text += `\tuci_load_validate meshchat ${type} '' '' \\\n${lines.join(' \\\n')}\n`;
  }
  return `${text}}\n\n`;
}

function documentation() {
  let text = `# Configuration

Generated from \`src/config/schema.ts\` by \`node scripts/generate-config.mjs --write\`: change it there.

The daemon reads \`/var/run/uci/meshchat\` if it exists, else \`/etc/config/meshchat\`; \`--config FILE\` reads another file,
\`--set SECTION.OPTION=VALUE\` overrides one option for one run. Without any file everything is default and works. The format is
[UCI](https://openwrt.org/docs/guide-user/base-system/uci), read as OpenWrt's own \`uci\` reads it. Uncommitted changes
(\`uci set\` without \`uci commit\`) do not count.

A wrong value is refused with its section, its option and what is allowed; a running daemon then keeps what it has. A name that is
not known is a warning. \`meshchatd --check\` tells both without starting anything.

\`SIGHUP\` (on OpenWrt \`/etc/init.d/meshchat reload\`) applies changes. An option marked **restart** counts only after
\`/etc/init.d/meshchat restart\`, and the daemon says so.
`;
  for (const [type, { single, fields }] of Object.entries(SCHEMA)) {
    const { about } = HELP[type];
    text += `\n## config ${type}${single ? ` '${single}'` : ''}\n\n${about}\n\n`;
    text += '| option | values | default | |\n| --- | --- | --- | --- |\n';
    for (const [key, field] of Object.entries(fields)) {
      const name = optionName(key);
      const marks = `${field.required ? '**required**. ' : ''}${field.restart ? '**restart**. ' : ''}`;
      const shown = values(name, field).map((value) => `\`${value}\``).join(' ');
      const fallback = field.required ? '' : shown;
      text += `| ${field.list ? 'list' : 'option'} \`${name}\` | ${field.allowed} | ${fallback} | ${marks}${HELP[type].options[key]} |\n`;
    }
    if (HELP[type].example) text += `\n\`\`\`\n${exampleText(type, fields).replace(/^#/gm, '')}\`\`\`\n`;
  }
  return text;
}

const script = readFileSync(INIT, 'utf8');
const generated = {
  [CONFIG]: configFile(),
  [DOCS]: documentation(),
  [INIT]: script.replace(/(# generated[^\n]*\n\n)[\s\S]*(?=# end)/, (_, head) => head + describeFunction()),
};
for (const [path, text] of Object.entries(generated)) {
  let before = '';
  try {
    before = readFileSync(path, 'utf8');
  } catch {}
  if (before === text) continue;
  if (process.argv.includes('--write')) writeFileSync(path, text);
  else {
    console.error(`${path} does not say what src/config/schema.ts says: node scripts/generate-config.mjs --write`);
    process.exitCode = 1;
  }
}
