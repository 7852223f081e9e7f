// A bot: answers "!time" and greets who joins.    node bot.mjs GROUP
import { connect } from 'meshchat';

const name = process.argv[2] ?? 'lobby';
const client = await connect();
const say = (text) => group.publish(text).catch(({ message }) => console.error(message)); // the daemon may be away
const group = await client.join(name, {
  onMember: ({ address, state }) => {
    if (state === 'joined') void say(`hello ${address}`);
  },
  onGap: ({ source, from, to }) => console.error(`missed ${from} to ${to} of ${source || 'somebody'}`),
});
console.log(`in ${name} as ${(await client.self()).join(', ')}`);

for await (const { source, data } of group) {
  const text = new TextDecoder().decode(data);
  console.log(`${source}: ${text}`);
  if (text === '!time') await say(new Date().toISOString());
}
