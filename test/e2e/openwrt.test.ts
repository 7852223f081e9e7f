/**
 * The package on an OpenWrt, from installation to removal. OPENWRT is a command in front of which nothing but a
 * command line for the router is missing; the runtime package is installed already:
 *   make ipk && OPENWRT='ssh root@192.168.1.1' node test/run.mjs e2e/openwrt
 * The router must have no meshchat yet, and loses its configuration. OPENWRT_PACKAGES=apk where that is its package
 * manager.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const router = suite('OpenWrt');
const prefix = process.env['OPENWRT']?.split(' ');

/** Runs a shell command on the router. */
function run(command: string, input?: Uint8Array): { status: number; text: string } {
  const [program, ...args] = [...prefix!, 'sh', '-c', prefix![0] === 'ssh' ? `'${command.replaceAll("'", "'\\''")}'` : command];
  const done = spawnSync(program!, args, { encoding: 'utf8', ...(input && { input }), timeout: 60_000 });
  return { status: done.status ?? -1, text: `${done.stdout}${done.stderr}` };
}
function text(command: string): string {
  const done = run(command);
  assert.is(done.status, 0, `${command}: ${done.text}`);
  return done.text.trim();
}
/** Milliseconds until the command succeeds. */
function until(command: string, secondsMax: number): number {
  const start = Date.now();
  while (run(command).status !== 0) {
    if (Date.now() - start > secondsMax * 1000) assert.unreachable(`not within ${secondsMax} s: ${command}: ${run(command).text}`);
    spawnSync('sleep', ['0.1']);
  }
  return Date.now() - start;
}
const INSTANCE = 'ubus call service list \'{"name":"meshchat"}\' | jsonfilter -e';
const pid = (): string => text(`${INSTANCE} '@.meshchat.instances.meshchat.pid'`);
/** Of the runtime itself: with a jail, that is another process than procd's child. */
const RUNTIME = "pgrep -f '^tjs run /usr/lib/meshchat/meshchat.js daemon --config /var/etc' | tail -n 1";
/** How often the log has it. */
const logged = (words: string): number => Number(run(`logread | grep -c -F '${words}'`).text);
const untilLogged = (words: string, before: number): number =>
  until(`[ "$(logread | grep -c -F '${words}')" -gt ${before} ]`, 10);
const STATUS = 'ubus -S -t 5 call meshchat status';

const apk = process.env['OPENWRT_PACKAGES'] === 'apk';
const install = (file: string): string => (apk ? `apk add --allow-untrusted ${file}` : `opkg install ${file}`);

/** Makes a package with this release number, its script distinct from that of others, and puts it on the router. */
function copyPackage(release: number): string {
  const script = join(tmpdir(), `meshchat-${process.pid}.js`);
  writeFileSync(script, `${readFileSync(process.env['OPENWRT_SCRIPT'] ?? 'dist/meshchat.js', 'utf8')}\n// ${release}\n`);
  const args = [`scripts/${apk ? 'apk' : 'ipk'}.mjs`, '--release', String(release), '--script', script];
  const path = execFileSync('node', args, { encoding: 'utf8' }).split(' ')[0]!;
  const target = `/tmp/${path.split('/').pop()}`;
  assert.is(run(`cat >${target}`, readFileSync(path)).status, 0);
  return target;
}

function step(name: string, body: () => void): void {
  router(name, () => (prefix === undefined ? console.log('skipped: OPENWRT is not given') : body()));
}

step('installs, is enabled, runs and answers on the bus', () => {
  text(install(copyPackage(101)));
  assert.is(run('/etc/init.d/meshchat enabled').status, 0);
  console.log(`on the bus after ${until(STATUS, 15)} ms`);
  assert.is(text('/etc/init.d/meshchat status'), 'running');
});

step('runs as its own user, with no capability and no way to one', () => {
  const status = text(`cat /proc/$(${RUNTIME})/status`);
  const user = text('id -u meshchat 2>/dev/null || grep ^meshchat: /etc/passwd | cut -d: -f3');
  assert.match(status, new RegExp(`Uid:\\s+${user}\\s+${user}\\s+${user}\\s+${user}`));
  assert.match(status, /CapEff:\s+0000000000000000/);
  assert.match(status, /CapPrm:\s+0000000000000000/);
  if (run('[ -x /sbin/ujail ]').status !== 0) return console.log('no procd-ujail: no more than another user');
  assert.match(status, /NoNewPrivs:\s+1/);
  assert.match(status, /CapBnd:\s+0000000000000000/);
});

step('IRC listens on loopback and the LAN alone', () => {
  const listening = text('cat /proc/net/tcp /proc/net/tcp6').split('\n').map((line) => line.trim().split(/\s+/));
  const irc = listening.filter((words) => words[1]?.endsWith(':1A0B') && words[3] === '0A').map((words) => words[1]!);
  assert.ok(irc.includes('0100007F:1A0B'), irc.join(' '));
  for (const address of irc) assert.not.match(address, /^0+:/);
});

step('IRC follows the address of a network, and drops nobody', () => {
  if (run('ubus list network.interface').status !== 0) return console.log('skipped: no netifd');
  const before = pid();
  const listens = (address: string): string => `netstat -ltn | grep -q ' ${address.replaceAll('.', '[.]')}:6667 '`;
  text(`uci -q batch <<'X'
set network.meshtest=interface
set network.meshtest.device=lo
set network.meshtest.proto=static
set network.meshtest.ipaddr=127.77.7.1/32
add_list meshchat.irc.interface=meshtest
commit
X
/etc/init.d/meshchat reload; /etc/init.d/network reload`);
  until(listens('127.77.7.1'), 10);
  text("uci set network.meshtest.ipaddr=127.77.7.2/32; uci commit network; /etc/init.d/network reload");
  until(`${listens('127.77.7.2')} && ! ${listens('127.77.7.1')}`, 10);
  text('uci del_list meshchat.irc.interface=meshtest; uci delete network.meshtest; uci commit; /etc/init.d/network reload');
  text('/etc/init.d/meshchat reload');
  until(`! ${listens('127.77.7.2')}`, 10);
  assert.is(pid(), before);
});

step('refuses the calls of other users', () => {
  const as = "start-stop-daemon -S -q -c nobody -x /bin/ubus -- -S -t 5";
  assert.is(run(`${as} call meshchat status`).status, 4, 'hidden: not found');
});

step('the web API lets through what the ACL grants, to those who have logged in', () => {
  if (run('pidof uhttpd && command -v wget').status !== 0) return console.log('skipped: no uhttpd');
  // Neither comes back by itself after the ubusd that an earlier run has killed.
  text('/etc/init.d/rpcd restart; /etc/init.d/uhttpd restart');
  until("ubus -S list session && netstat -ltn | grep ':80 '", 10);
  const rpc = (session: string, object: string, method: string): string => {
    const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'call', params: [session, object, method, {}] });
    return run(`wget -q -O - --post-data '${call}' http://127.0.0.1/ubus`).text;
  };
  assert.match(rpc('0'.repeat(32), 'meshchat', 'status'), /Access denied/);
  const login = run(`ubus -S call session login '{"username":"root","password":"${process.env['OPENWRT_PASSWORD'] ?? ''}"}'`);
  if (login.status !== 0) return console.log('skipped: OPENWRT_PASSWORD is not that of root');
  const { ubus_rpc_session: session } = JSON.parse(login.text) as { ubus_rpc_session: string };
  assert.match(rpc(session, 'meshchat', 'status'), /"result":\[0,\{/);
  assert.match(rpc(session, 'meshchat.groups', 'list'), /"result":\[0/);
});

step('takes a changed configuration in the same process', () => {
  const before = pid();
  const times = logged('reload: meshchat.log');
  text("uci set meshchat.main.log='debug'; uci commit meshchat; /etc/init.d/meshchat reload");
  untilLogged('reload: meshchat.log', times);
  assert.is(pid(), before);
});

step('reload_config does the same', () => {
  const before = pid();
  const times = logged('reload: irc.motd');
  text('reload_config'); // the first one only learns what there is
  text("uci set meshchat.irc.motd='hello'; uci commit meshchat; reload_config");
  untilLogged('reload: irc.motd', times);
  assert.is(pid(), before);
  assert.match(text("(printf 'NICK a\\r\\nUSER a 0 * :a\\r\\nMOTD\\r\\n'; sleep 1) | nc 127.0.0.1 6667"), /hello/);
});

step('completes sections without a name, and calls a mesh of them by its type', () => {
  text("printf \"config cjdns 'cjdns'\\n\\toption admin_port '11398'\\n\\toption admin_password 'of cjdns'\\n\" >/etc/config/cjdns");
  text('uci rename meshchat.cjdns=kept; uci add meshchat mesh; uci set meshchat.@mesh[-1].type=cjdns');
  text('uci set meshchat.@mesh[-1].admin_port=11399; uci commit meshchat; /etc/init.d/meshchat reload');
  const get = (option: string): string => text(`uci -c /var/etc/meshchat get config.${option}`);
  assert.equal([get('@mesh[-1].admin_port'), get('@mesh[-1].admin_password'), get('kept.admin_port')], ['11399', 'of cjdns', '11398']);
  until("meshchat status | grep -q 'mesh *cjdns down'", 10);
  text('uci delete meshchat.@mesh[-1]; uci rename meshchat.kept=cjdns; uci commit meshchat; rm /etc/config/cjdns; /etc/init.d/meshchat reload');
});

step("opens the firewall of a mesh's zone, and follows the port", () => {
  text("touch /etc/config/firewall; uci set firewall.meshtest=zone; uci set firewall.meshtest.name=cjdns; uci commit firewall");
  text('/usr/lib/meshchat/firewall.sh');
  const rule = (option: string): string => text(`uci get firewall.meshchat_cjdns.${option}`);
  assert.equal([rule('src'), rule('dest_port'), rule('target')], ['cjdns', '14627', 'ACCEPT']);
  text('uci set firewall.meshchat_cjdns.enabled=0; uci commit firewall; uci set meshchat.main.port=14628; uci commit meshchat');
  text('/etc/init.d/meshchat restart');
  assert.equal([rule('enabled'), rule('dest_port')], ['0', '14628']);
  text('uci delete meshchat.main.port; uci commit meshchat; /etc/init.d/meshchat restart; uci delete firewall.meshtest; uci commit firewall');
  assert.is(rule('dest_port'), '14627');
  until(STATUS, 10);
});

step('ends and says so when it is not enabled, and comes back', () => {
  assert.match(text('uci set meshchat.main.enabled=0; uci commit meshchat; /etc/init.d/meshchat reload'), /not started: option enabled/);
  until(`! ${STATUS}`, 10);
  text('uci set meshchat.main.enabled=1; uci commit meshchat; /etc/init.d/meshchat reload');
  until(STATUS, 10);
});

step('does not take uncommitted changes', () => {
  text("uci set meshchat.main.peers_max='7'; /etc/init.d/meshchat reload");
  assert.is.not(run('grep peers_max /var/etc/meshchat/config').status, 0);
  text('uci revert meshchat');
});

step('refuses a bad option with its message and keeps what it had', () => {
  const before = pid();
  const copy = text('cat /var/etc/meshchat/config');
  const message = 'option port is \'"\'"\'70000\'"\'"\'; allowed: 1 to 65535';
  const times = logged(message);
  text("uci set meshchat.main.port='70000'; uci commit meshchat; /etc/init.d/meshchat reload");
  untilLogged(message, times);
  assert.is(pid(), before);
  assert.is(text('cat /var/etc/meshchat/config'), copy);
  text(STATUS);
});

step('takes no part of a configuration when there is no room for its copy', () => {
  const copy = text('cat /var/etc/meshchat/config');
  const times = logged('no room for the copy');
  text("mkdir /tmp/small; mount -t tmpfs -o size=8k tmpfs /tmp/small; cp -p /var/etc/meshchat/config /tmp/small");
  text("mount --bind /tmp/small /var/etc/meshchat; head -c 8192 /dev/zero >/tmp/small/filler || true");
  text("uci set meshchat.main.log='warn'; uci commit meshchat; /etc/init.d/meshchat reload");
  untilLogged('no room for the copy', times);
  assert.is(text('cat /var/etc/meshchat/config'), copy);
  text("umount /var/etc/meshchat /tmp/small; uci set meshchat.main.log='debug'; uci commit meshchat; /etc/init.d/meshchat reload");
  text(STATUS);
});

step('comes back from a crash, with what was in force though the file is still bad', () => {
  const before = pid();
  text(`kill -9 $(${RUNTIME})`);
  console.log(`back on the bus after ${until(`[ "$(${RUNTIME})" ] && ${STATUS}`, 15)} ms`);
  assert.is.not(pid(), before);
  text('uci delete meshchat.main.port; uci commit meshchat; /etc/init.d/meshchat reload');
});

step('comes back on the bus when ubusd was killed', () => {
  const before = text(RUNTIME);
  text('kill -9 $(pidof ubusd)');
  const took = until(STATUS, 10);
  console.log(`back on the bus after ${took} ms`);
  assert.ok(took <= 3000);
  assert.is(text(RUNTIME), before);
});

step('an upgrade restarts it and keeps the configuration', () => {
  const before = text(RUNTIME);
  text(install(copyPackage(102)));
  until(`[ "$(${RUNTIME})" != ${before} ] && ${STATUS}`, 15);
  assert.is(text('uci get meshchat.main.log'), 'debug');
});

step('a removal leaves nothing running and nothing behind but the changed configuration', () => {
  text(apk ? 'apk del meshchat' : 'opkg remove meshchat');
  until("! pgrep -f '[m]eshchat.js'", 10);
  assert.is.not(run(STATUS).status, 0);
  assert.is(run('uci show firewall 2>/dev/null | grep meshchat').text, '');
  // opkg leaves empty folders behind.
  const left = text("find / -xdev -name '*meshchat*' ! -type d 2>/dev/null").split('\n').filter((path) => !/^\/(proc|tmp|var)\//.test(path));
  assert.equal(left.filter((path) => path !== '' && !path.startsWith('/etc/config/meshchat')), []);
  text('rm -f /etc/config/meshchat*');
});

router.run();
