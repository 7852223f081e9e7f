// `make demo`: three daemons that make a mesh on this machine, each with an IRC port. Prints what to type; Ctrl-C ends
// all.
import { endTogether, listening, loopbackConfig, startDaemon, temporaryFolder } from './daemons.mjs';

const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
const firstPort = Number(process.env.IRC_PORT ?? 6667);
const folder = temporaryFolder();
const start = performance.now();
const nodes = addresses.map((address, index) => {
  const name = `node${index + 1}`;
  const ircPort = firstPort + index;
  const config = loopbackConfig({ folder, name, address, peers: addresses.filter((one) => one !== address), ircPort });
  return { name, address, ircPort, socket: `${folder}/${name}.sock`, ...startDaemon({ folder, name, config }) };
});
endTogether(nodes.map(({ child }) => child));
try {
  await Promise.all(nodes.map(({ ircPort, child }) => listening('127.0.0.1', ircPort, child)));
  const irssi = nodes.map(({ ircPort, name }) => (
    `  irssi -c 127.0.0.1 -p ${ircPort} -n ${name}user      then  /join #mesh`));
  console.log(`\nThree nodes, ready after ${((performance.now() - start) / 1000).toFixed(1)} s. In a terminal each:
${irssi.join('\n')}
or without an IRC client:\n  printf 'NICK ann\\nUSER ann 0 * :Ann\\nJOIN #mesh\\n' | nc 127.0.0.1 ${nodes[0].ircPort}
What a node sees:\n${nodes.map(({ socket }) => `  dist/meshchat --socket ${socket} peers`).join('\n')}
Ctrl-C ends all three.\n`);
} catch (error) {
  console.error(error.message);
  for (const { child } of nodes) child.kill('SIGTERM');
  process.exitCode = 1;
}
