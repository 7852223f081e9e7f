/** Five nodes with three users each, through partitions, crashes, restarts, late messages and nick fights: then all agree. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { names, World } from './world.ts';
import type { TestClient, TestNode } from './world.ts';

const NODES = ['fc00::a1', 'fc00::b2', 'fc00::c3', 'fc00::d4', 'fc00::e5'];
const CHANNELS = ['#one', '#two', '#three'];
const CAPS = 'server-time message-tags batch draft/chathistory draft/event-playback';

interface Person {
  node: TestNode;
  client: TestClient;
  /** Lines he said, by channel: in a channel he is in. */
  channels: Set<string>;
}

class Chaos {
  readonly world: World;
  readonly people: Person[] = [];
  /** Every line that was accepted by a node that did not crash later. */
  readonly said: { channel: string; text: string; node: string; alive: boolean }[] = [];
  #count = 0;
  #nicks = 0;

  constructor(seed: number) {
    this.world = new World(seed, { loss: 0.1, latencyMs: 10 });
  }
  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.world.random() * list.length)] as T;
  }

  async start(): Promise<void> {
    for (const address of NODES) {
      const node = await this.world.node(address, { historyLines: 2000, historyBytes: 1 << 20 });
      await this.people3(node);
    }
    await this.world.run(2000);
  }
  async people3(node: TestNode): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const client = await node.user(`p${node.address.slice(-2)}n${++this.#nicks}`, CAPS);
      const person = { node, client, channels: new Set<string>() };
      this.people.push(person);
      // Everybody is in the first channel, so that its history can be compared.
      this.join(person, '#one');
      this.join(person, this.pick(CHANNELS));
    }
  }
  join(person: Person, channel: string): void {
    person.client.send(`JOIN ${channel}`);
    person.channels.add(channel);
  }
  say(person: Person): void {
    const channel = this.pick([...person.channels]);
    const text = `line ${++this.#count}`;
    person.client.send(`PRIVMSG ${channel} :${text}`);
    this.said.push({ channel, text, node: person.node.address, alive: true });
  }

  async step(): Promise<void> {
    const person = this.pick(this.people);
    const dice = this.world.random();
    if (dice < 0.6) this.say(person);
    else if (dice < 0.68) this.join(person, this.pick(CHANNELS));
    else if (dice < 0.72) {
      const channel = this.pick(CHANNELS);
      if (channel !== '#one' && person.channels.delete(channel)) person.client.send(`PART ${channel} :bye`);
    } else if (dice < 0.82) person.client.send(`NICK ${this.pick(['bob', 'alice', 'eve'])}`);
    else if (dice < 0.9) person.client.send(`TOPIC ${this.pick([...person.channels])} :topic ${++this.#count}`);
    else if (dice < 0.94) person.client.send(this.world.random() < 0.5 ? 'AWAY :out' : 'AWAY');
    await this.world.run(this.world.random() * 400);
  }

  async crashAndRestart(): Promise<void> {
    const node = this.pick([...this.world.nodes.values()]);
    node.crash();
    for (let i = this.people.length - 1; i >= 0; i--) if (this.people[i]?.node === node) this.people.splice(i, 1);
    for (const line of this.said) if (line.node === node.address) line.alive = false;
    await this.world.run(this.pick([500, 20_000, 100_000]));
    await node.start(node.options);
    await this.people3(node);
  }
}

/** `bob~a1` on one node is `bob` on his own: people are compared by address and user name. */
function who(lines: readonly string[]): string[] {
  return lines.filter((line) => line.includes(' 352 ')).map((line) => {
    const [, , , , user, host] = line.split(' ') as string[];
    return `${user as string}@${host as string}`;
  }).sort();
}

function topicOf(lines: readonly string[]): string {
  return lines.find((line) => line.includes(' 332 '))?.split(' ').slice(4).join(' ') ?? '';
}

const chaos = suite('irc chaos');

for (let seed = 1; seed <= 4; seed++) {
  chaos(`after everything all nodes agree on people, topics and history (seed ${seed})`, async () => {
    const run = new Chaos(seed);
    await run.start();
    const { world } = run;
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 25; i++) await run.step();
      const dice = world.random();
      if (dice < 0.4) {
        world.mesh.partition(NODES.slice(0, 2));
        for (let i = 0; i < 15; i++) await run.step();
        await world.run(run.pick([5000, 60_000, 140_000]));
        for (let i = 0; i < 5; i++) await run.step();
        world.mesh.heal();
      } else if (dice < 0.8) await run.crashAndRestart();
    }
    await world.run(60_000);

    for (const { client } of run.people) {
      const ids = client.all.filter((line) => line.includes(' PRIVMSG #')).map((line) => /msgid=([^; ]+)/.exec(line)?.[1]);
      assert.is(new Set(ids).size, ids.length, `seed ${seed}: ${client.nick} was shown a line twice`);
    }
    const clients = [...world.nodes.values()].map((node) => run.people.find((one) => one.node === node)?.client as TestClient);
    const views: unknown[] = [];
    for (const client of clients) {
      const view: Record<string, unknown> = {};
      for (const channel of CHANNELS) {
        view[channel] = who(await client.ask(`WHO ${channel}`));
        view[`${channel} topic`] = topicOf(await client.ask(`TOPIC ${channel}`));
      }
      view['names'] = (await names(client, '#one')).length;
      views.push(view);
    }
    for (const [i, view] of views.entries()) assert.equal(view, views[0], `seed ${seed}: node ${i} sees it otherwise`);
    // No ghosts: exactly those who are there.
    assert.is((views[0] as { names: number }).names, run.people.length, `seed ${seed}`);

    const histories: string[][] = [];
    for (const client of clients) {
      const lines: string[] = [];
      let before = '*';
      for (;;) {
        const page = (await client.ask(`CHATHISTORY ${before === '*' ? 'LATEST #one *' : `BEFORE #one ${before}`} 200`))
          .filter((line) => line.includes(' PRIVMSG #one '));
        if (page.length === 0) break;
        lines.unshift(...page);
        before = `msgid=${/msgid=([^; ]+)/.exec(page[0] as string)?.[1] as string}`;
      }
      histories.push(lines.map((line) => `${/msgid=([^; ]+)/.exec(line)?.[1] as string} ${line.slice(line.indexOf('PRIVMSG'))}`));
    }
    for (const [i, history] of histories.entries()) {
      assert.is(new Set(history).size, history.length, `seed ${seed}: node ${i} has a line twice`);
      assert.equal(history, histories[0], `seed ${seed}: node ${i} has another history`);
    }
    const text = (histories[0] as string[]).join('\n');
    const lost = run.said.filter((line) => line.alive && line.channel === '#one' && !`${text}\n`.includes(`:${line.text}\n`));
    assert.equal(lost, [], `seed ${seed}: lost`);
    assert.equal(world.logged, []);
  });

}

chaos.run();
