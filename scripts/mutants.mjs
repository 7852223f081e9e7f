// The rules of the protocol, each with the change that breaks it: {rule, file, text, by}. `text` stands exactly once in `file`.
// A rule that is added to src/wire, src/broadcast or src/multicast gets its line here, one of streams in mutants-streams.mjs.
import { streamMutants } from './mutants-streams.mjs';

const CURSOR = 'src/multicast/cursor.ts';
const HOLES = 'src/multicast/holes.ts';
const STATUS_WRITER = 'src/multicast/status-writer.ts';
const RECEIVE = 'src/multicast/receive-stream.ts';
const SCHEDULER = 'src/multicast/scheduler.ts';
const MEMBERSHIP = 'src/multicast/membership.ts';
const INBOUND = 'src/multicast/inbound.ts';
const GOSSIP = 'src/multicast/gossip.ts';
const GROUP = 'src/multicast/group.ts';
const BROADCAST = 'src/broadcast/broadcast.ts';
const ADMISSION = 'src/broadcast/admission.ts';
const GREETING = 'src/broadcast/greeting.ts';
const LIVENESS = 'src/broadcast/liveness.ts';
const PROBER = 'src/broadcast/prober.ts';
const TWINS = 'src/broadcast/twins.ts';
const SUBSCRIPTIONS = 'src/broadcast/subscriptions.ts';
const TABLE = 'src/broadcast/peer-table.ts';
const EXCHANGE = 'src/broadcast/peer-exchange.ts';
const ALARMS = 'src/broadcast/alarms.ts';
const OUTBOX = 'src/broadcast/outbox.ts';
const ROUND_TRIP = 'src/broadcast/round-trip.ts';
const SERIAL = 'src/wire/serial.ts';
const HEADER = 'src/wire/header.ts';
const DATA = 'src/wire/data.ts';
const STATUS = 'src/wire/status.ts';

const m = (rule, file, text, by) => ({ rule, file, text, by });

export const mutants = [
  // wire
  m('sequence numbers wrap', SERIAL, 'return (a - b) | 0;', 'return a - b;'),
  m('a sum of sequence numbers is u32', SERIAL, 'return (seq + count) >>> 0;', 'return seq + count;'),
  m('another version is refused', HEADER, '|| view.getUint8(0) >> 4 !== PROTOCOL_VERSION', ''),
  m('epoch 0 is refused', HEADER, 'return header.epoch !== 0;', 'return true;'),
  m('a short DATA is refused', DATA, 'if (length < fixed ||', 'if ('),
  m('a DATA longer than a packet is refused', DATA, '|| length - fixed > DATA_PAYLOAD_MAX', ''),
  m('a short STATUS is refused', STATUS, 'if (length < STATUS_LENGTH) return false;', ''),
  m('a bitmap is read to its bound', STATUS, 'Math.min(length - STATUS_LENGTH, STATUS_BITMAP_MAX)', 'length - STATUS_LENGTH'),

  // broadcast: who is believed
  m('a datagram under another epoch is not believed', GREETING, 'peer.epoch !== 0 && peer.epoch === header.epoch && header', 'peer.epoch !== 0 && header'),
  m('a datagram for an earlier incarnation of ours is dropped', GREETING, ' && header.receiverEpochLow === (options.epoch & 0xffff);', ';'),
  m('an epoch is adopted only when our nonce comes back', GREETING, 'if (hello.echoNonce === peer.nonce) {', 'if (hello.echoNonce !== 0) {'),
  m('the nonce is new after each restart of a peer', GREETING, 'peer.nonce = newNonce(random);', ''),
  m('another number under the same epoch is a restart', GREETING, ' || peer.identity !== hello.identity', ''),
  m('what is older than 10 s is not read', GREETING, ' >= -LATE_MS', ' > -Infinity'),
  m('nothing overtaken brings back who is gone', GREETING, 'peer.state === GONE ? this.isNews(peer) : ', ''),
  m('copies are no life', BROADCAST, 'accepted && greeting.isNews(peer)', 'accepted'),
  m('copies of a greeting are no life', GREETING, 'if (isOther || peer.state === GONE || this.isNews(peer)) this', 'this'),
  m('a greeting brings back who was away for long', GREETING, 'isOther || peer.state === GONE || ', 'isOther || '),
  m('a nonce is new when the peer is gone', LIVENESS, 'peer.nonce = newNonce(random); // what', '// what'),
  m('a goodbye by one way is later than all by others', GREETING, 'way.timestamp = this.#context.header.timestamp;', ''),
  m('an answer to what is not accepted is rationed', GREETING, 'if (accepted || this.#admission.mayChallenge(now)) this', 'this'),
  m('a probe lists nothing', OUTBOX, 'peer.helloProbe || !peer.known', '!peer.known'),
  m('a peer counts only on a mesh that it can belong to', ADMISSION, 'known !== undefined && belongs', 'known !== undefined'),
  m('what waits is read first after a stop', ALARMS, '> STOPPED_MS', '> Infinity'),
  m('who is not believed is challenged', BROADCAST, 'if (!greeted) greeting.challenge(now, peer);', ''),
  m('challenges are rationed', ADMISSION, 'if (this.#challengeTokens < 1) {', 'if (this.#challengeTokens < -1e9) {'),
  m('our own voice by another way is no peer', GREETING, 'if (hello.identity === identity) {', 'if (hello.identity === -1) {'),
  m('on an authenticated mesh another port is a stranger', ADMISSION, 'if (here!.authenticated && port !== options.port) return undefined;', ''),
  m('a frame longer than its datagram ends the reading', BROADCAST, 'if (at + length > bytes.length) {', 'if (at + length > bytes.length + 4000) {'),
  m('who is not believed is challenged once in 100 ms', GREETING, 'now - peer.sentAt < CHALLENGE_SPACING_MS || ', ''),
  m('who was challenged is probed when it does not answer', GREETING, 'this.#outbox.oweHello(peer, true);\n    this.#liveness.awaitAnswer(now, peer);', 'this.#outbox.oweHello(peer, true);'),
  m('who was answered is probed when it does not prove itself', GREETING, '      this.#liveness.awaitAnswer(now, peer);\n    }\n    if (accepted)', '    }\n    if (accepted)'),
  m('a greeting that is not accepted is answered', GREETING, ' || peer.epoch !== header.epoch) {\n      if (accepted', ') {\n      if (accepted'),
  m('only who is believed says anything', GREETING, 'if (accepted) this.#onNews', 'this.#onNews'),
  m('frames of who is not believed change nothing', BROADCAST, 'accepted && !this.#onFrame', '!this.#onFrame'),
  m('peers are bounded', GREETING, 'peers.of(ANSWERED).size >= options.peersMax && ', 'false && '),
  m('by which a node is called that is there is not forgotten', LIVENESS, 'if (peer.reach !== GONE) continue; //', '//'),
  m('who is forgotten is no member', LIVENESS, 'if (peer.known) upper.onForget(now, peer);', ''),
  m('who is forgotten is no way', LIVENESS, 'peer.epoch = 0;\n    this.#twins.part(now, peer);', 'peer.epoch = 0;'),
  m('who is forgotten makes room once', LIVENESS, 'this.#gone.delete(peer);\n    counters', 'counters'),
  m('that a gone peer is forgotten is told nobody', MEMBERSHIP, "if (peer.reach !== GONE || state !== 'gone') this", 'this'),
  m('strangers are rationed', ADMISSION, 'if (!this.mayChallenge(now)) return undefined;', ''),
  m('one of our own addresses is no candidate', ADMISSION, 'for (const own of locals) if (own?.id === id) return undefined;', ''),
  m('a candidate belongs to the mesh', ADMISSION, 'here === undefined || !here.accepts(candidate.address)', 'here === undefined'),
  m('a peer that is alive is spoken to from where it was', ADMISSION, 'if (known.state !== ALIVE) known.local', 'known.local'),
  m('a silent peer is spoken to from where it speaks to', ADMISSION, 'if (known.state !== ALIVE) known.local = local;', ''),
  m('whom no address of ours reaches is reached by that of a candidate', ADMISSION, 'if (locals[peer.local] === undefined) peer.local = local;', ''),
  m('a long datagram is dropped', BROADCAST, 'bytes.length > frame.DATAGRAM_BYTES_MAX || ', ''),

  // broadcast: who is there
  m('a silent peer goes stale', LIVENESS, 'if (silentMs >= staleMs && peer.state === ALIVE) this.enter(now, peer, STALE);', ''),
  m('who has just gone stale is asked more often', LIVENESS, 'const silentProbeMs = Math.min(STALE_PROBE_MS, Math.max(SILENT_PROBE_MS, staleForMs));', 'const silentProbeMs = peer.state === STALE ? STALE_PROBE_MS : SILENT_PROBE_MS;'),
  m('a silent peer is gone after 90 s', LIVENESS, 'if (silentMs >= goneMs) return this.enter(now, peer, GONE);', ''),
  m('a peer is greeted when nothing was sent for a keepalive', LIVENESS, 'else if (now - peer.sentAt >= keepaliveMs - 1) this.#outbox.oweHello(peer, false);', ''),
  m('a silent peer is probed before it goes stale', LIVENESS, 'if (doubted || peer.doubted || silentMs >= keepaliveMs + KEEPALIVE_GRACE_MS) this.#outbox.oweHello(peer, true);\n    else if', 'if'),
  m('BYE ends a peer at once', GREETING, 'if (hello.flags & HELLO_BYE)', 'if (hello.flags & 128)'),
  m('any datagram brings a peer back', LIVENESS, 'if (peer.state !== ALIVE) this.enter(now, peer, ALIVE);\n    else if', 'if'),
  m('a probe is answered', GREETING, 'if (hello.flags & HELLO_PROBE || peer', 'if (peer'),
  m('probes are spaced', PROBER, 'this.#nextAt = now + this.#spacingMs;', ''),
  m('unanswered probes become rarer', PROBER, 'const waits = peer.advertised ? ADVERTISED_WAITS_S : peer.hops === 1 ? NEIGHBOUR_WAITS_S : STRANGER_WAITS_S;', 'const waits = [0.4];'),
  m('a direct neighbour is met soon', PROBER, 'peer.hops === 1 ? NEIGHBOUR_WAITS_S : STRANGER_WAITS_S', 'STRANGER_WAITS_S'),
  m('who answered before is met again soon', PROBER, 'const seconds = peer.rank === ANSWERED ? answeredWaitS(peer.probeCount, awayCount) : silentWaitS(peer);', 'const seconds = silentWaitS(peer);'),
  m('few who are away are asked more often', LIVENESS, 'this.#gone.size, this.#context.random', '8, this.#context.random'),
  m('who is back is told our groups again', LIVENESS, 'peer.subsAcked = 0; //', '//'),
  m('who starts anew is told our groups unasked', GREETING, 'peer.subsDue = peer.peersDue = true;\n      this.#outbox.touch(peer);', ''),
  m('who was met is told of peers', LIVENESS, 'if (before !== STALE) peer.peersDue = true;', ''),
  m('an address that is back greets whom we knew', BROADCAST, 'this.#liveness.doubt(now, known);', ''),
  m('whom we knew is reached by the address that is back', BROADCAST, 'peer.local = index;', ''),
  m('an address that is back greets several times', LIVENESS, 'this.#doubtUntil = now + DOUBT_MS;', ''),
  m('nothing goes from an address that is not ours', OUTBOX, 'if (locals[peer.local] === undefined) return false;', ''),
  m('nothing but HELLO goes to who is gone', OUTBOX, 'if (!peer.known || peer.state === GONE) return false;', 'if (!peer.known) return false;'),
  m('a keepalive lists 40 streams at most', OUTBOX, 'Math.min(HELLO_STREAMS_MAX, Math', 'Math.min(Infinity, Math'),
  m('what did not fit goes next', OUTBOX, 'if (this.writeOwed(now, peer)) this.touch(peer);', 'this.writeOwed(now, peer);'),
  m('who is gone and named is asked at once', ADMISSION, 'peer.state === GONE ? candidate.advertised : peer.state', 'peer.state'),
  m('who answered no probe is asked when it is heard', LIVENESS, 'if (lead.session?.waiting && silentMs > 0) this.#context.upper.onHeard(now, lead);', ''),
  m('one call fires so many alarms at most', ALARMS, 'if (count >= countMax) return true;', ''),

  // broadcast: one node on several meshes
  m('two peers are one node only under one epoch', TWINS, '\n        && other.epoch === peer.epoch) twins.push(other);', ') twins.push(other);'),
  m('each must name the other', TWINS, ' && other.named.has(peer.id)', ''),
  m('an address bound to no key is no way to one that is', TWINS, 'for (const bound of [true, false]) {\n      const ways = [...all].filter((way) => way.bound === bound);', 'for (const bound of [true]) {\n      const ways = bound ? [...all] : [];'),
  m('who leads goes on leading', TWINS, '(way.shadowed || way.subsHeld === 0 ? Infinity : way.metAt)', '0'),
  m('a way whose probes are not answered is left', TWINS, 'way.doubtAt = now;\n    this.#outbox.oweHello(way, true);', 'this.#outbox.oweHello(way, true);'),
  m('data that comes by another way is followed', TWINS, 'if (peer !== peer.lead.way) this.suspect(', 'if (peer === undefined) this.suspect('),
  m('an address that is named no more is left', TWINS, 'if (way !== peer && !named.get(way.id)) way.doubtAt = now;', ';'),
  m('a second address is no member before it is confirmed', TWINS, 'yields || this.#confirming.has(peer)', 'yields'),
  m('asking for confirmation ends', TWINS, ' || patience <= cost', ''),
  m('who stands back for another ends his streams', TWINS, 'if (yields) upper.onYield(now, peer);', ''),
  m('asking ends when it is answered', TWINS, 'others.length === 0 || patience', 'patience'),
  m('nothing of layer 2 counts before its name is clear', INBOUND, '(peer.shadowed || unnamed)', 'unnamed'),
  m('who is not heard is not waited for so long', TWINS, 'others.some(heard) ? 1 : SILENT_COST', '1'),
  m('the time in which it is silent itself does not count', TWINS, '!heard(peer) ? 0 : ', ''),
  m('nothing of layer 2 counts before the list has come', INBOUND, '(peer.shadowed || unnamed)', 'peer.shadowed'),
  m('who is a member is not taken back to be asked', TWINS, 'peer.subsHeld === 0 && peer.lead', 'peer.lead'),
  m('only a list that is older may still name it', TWINS, 'serialDiff(other.namedIn, peer.namedIn) < 0', 'serialDiff(other.namedIn, peer.namedIn) > 1e9'),
  m('it waits again when it is heard again', TWINS, 'if (this.#confirming.has(peer)) this.#context.alarms.setEarlier(this, now);', ''),
  m('SUBS names the other addresses', SUBSCRIPTIONS, '[...others, ...former]', 'former'),
  m('SUBS names those that are away', SUBSCRIPTIONS, '[...others, ...former]', '[...others]'),
  m('an address that is away is named as such', SUBSCRIPTIONS, 'others.includes(local) ? 0 : SUBS_ADDRESS_AWAY', '0'),
  m('an address that is back is away no more', BROADCAST, 'this.former = this.former.filter(({ id }) => id !== local.id);', ''),
  m('an address that is bound to no key is not named when it is away', BROADCAST, 'if (local?.authenticated) ', 'if (local) '),
  m('a change of our addresses is a new list', BROADCAST, 'this.subscriptions.touch();', ''),
  m('it is told at once', BROADCAST, 'this.alarms.setEarlier(this.outbox, now); //', '//'),
  m('an address that is not there has no number', BROADCAST, 'peer.local = NO_LOCAL;', ''),
  m('who is bound to his key is so from the first', ADMISSION, 'peer.bound = locals[local]?.authenticated ?? false;', ''),
  m('two peers are one node only under one number', TWINS, 'other.identity === peer.identity && other.named', 'other.named'),
  m('nobody waits for another node', TWINS, 'const older = other.identity === peer.identity && ', 'const older = '),
  m('nobody waits for an address that is away', TWINS, 'present && locals[other.local] !== undefined', 'locals[other.local] !== undefined'),
  m('nobody waits for what no address of ours reaches', TWINS, 'present && locals[other.local] !== undefined', 'present'),
  m('at most 256 are kept waiting', TWINS, ' && this.#confirming.size < CONFIRMING_MAX', ''),
  m('an older list changes no names', TWINS, 'if (peer.namedIn !== 0 && serialDiff(subs.version, peer.namedIn) < 0) return;', ''),
  m('an address that is away is not looked for', TWINS, '!present || local < 0 ||', 'local < 0 ||'),
  m('an address that is named is looked for', TWINS, 'this.#context.onCandidate(now, local', 'if (now < 0) this.#context.onCandidate(now, local'),
  m('a way in doubt is greeted', TWINS, 'way.doubtAt = now;\n    this.#outbox.oweHello(way, true);', 'way.doubtAt = now;'),
  m('a way in doubt is left', TWINS, 'setEarlier(way, now + CONFIRM_MS);\n    this.choose(now, lead);', 'setEarlier(way, now + CONFIRM_MS);'),
  m('a way that is heard is no longer in doubt', LIVENESS, 'else if (doubted) this.#twins.choose(now, lead);', ''),
  m('a way that was heard just now is not left for another', TWINS, 'now - FOLLOW_MS', 'now'),
  m('a stale way is not used where another is alive', TWINS, 'const good = way.state === ALIVE && !way.doubted;', 'const good = !way.doubted;'),
  m('where no way is alive the one heard last is used', TWINS, ': way.heardAt > other.heardAt', ': way.heardAt < other.heardAt'),
  m('both ends use the same way', TWINS, 'this.#pair(way) < this.#pair(other)', 'false'),
  m('no way is used from an address that is not ours', TWINS, ' || this.#context.locals[way.local] === undefined) continue', ') continue'),
  m('who stays when another way ends may be gone with it', TWINS, 'if (lead !== peer) this.#reached(now, lead, before);', ''),
  m('who gets another way may be back by it', TWINS, 'this.#reached(now, lead, before);\n    this.choose', 'this.choose'),
  m('a new life has versions of its own', TWINS, 'peer.namedIn = 0;', ''),
  m('whoever has one name of a node has its others', TWINS, 'for (const way of [twin, ...twin.lead.ways]) all.add(way);', 'all.add(twin);'),
  m('frames of layer 2 take the way that is used', OUTBOX, 'peer.lead.way === peer && upper', 'upper'),
  m('a repair by another way tells no round trip', HOLES, ' && hole.askedBy === this.#context.broadcast.from;', ';'),
  m('nor does one that was asked for by another', HOLES, 'hole.askedBy === this.#peer.way && hole.askedBy', 'hole.askedBy'),
  m('a hint may name a source by another of its names', GOSSIP, 'broadcast.peers.leadId(id)', 'id'),
  m('an echo goes back by the way that it came', STATUS_WRITER, 'this.#echoAt >= 0 && this.#echoBy === peer.way', 'this.#echoAt >= 0'),
  m('a round trip is of the way by which STATUS came', CURSOR, '= context.broadcast.from ?? this.peer;', '= this.peer.way;'),
  m('what came to another name of the source has come', MEMBERSHIP, 'to.receiveStream(stream.group, stream.addressed).takeOver(now, stream);', ';'),
  m('a message in parts goes over to the stream that goes on', RECEIVE, 'const parts = other.#delivery.parts;', 'const parts: Packet[] = [];'),
  m('what another stream kept is not asked for', RECEIVE, 'this.#holes.remove(seq);', ''),
  m('what waits to be sent again goes when it may', SCHEDULER, 'if (cursor.hasRepairs) this.readyRepair(cursor);\n    if (cursor.hasNew)', 'if (cursor.hasNew)'),
  m('what came by the bound address comes no second time', MEMBERSHIP, 'if (!peer.shadowed && bound !== undefined) ', 'if (bound !== undefined && bound === peer) '),
  m('word of who was never met brings a probe', ADMISSION, 'peer.state === PROBING && origin === HEARSAY', 'false'),
  m('what one name lacks goes on to the one that stays', MEMBERSHIP, '        group.handOver(peer, peer.lead);\n', ''),
  m('unless the one that stays was sent more since', GROUP, ' || serialDiff(from, other.log.next) < 0', ''),
  m('private numbers are used once for a node of two names', GROUP, 'if (identity === peer.identity && ', 'if (identity < 0 && '),
  m('BYE by one way ends all', GREETING, 'of [peer, ...peer.lead.ways]) {\n        way.timestamp', 'of [peer]) {\n        way.timestamp'),
  m('a new epoch ends the other ways', GREETING, 'if (way !== peer) this.#liveness.enter(now, way, GONE);', ''),
  m('the groups of an old life are forgotten with it', GREETING, 'if (way !== lead) way.subscriptions.clear();', ''),
  m('SUBS by one way is of the node', BROADCAST, 'if (peer.lead !== peer) this.subscriptions.receive(now, peer.lead, this.view, subs, this.upper);', ''),
  m('the table of peers is bounded', TABLE, 'queue.size >= this.#max * SHARES[rank]', 'false'),
  m('a live peer is not forgotten for a stranger', TABLE, '1 / 4, Infinity', '1 / 4, 1 / 8'),
  m('who invents addresses pushes out no others', EXCHANGE, 'origin: HEARSAY', 'origin: 2'),
  m('strangers push out no candidates of a mesh', ADMISSION, 'port, local, HEARSAY)', 'port, local, FROM_MESH)'),
  m('a better source raises a candidate', ADMISSION, 'if (origin > peer.rank) this.raise(now, peer, origin);', ''),
  m('who has answered is no candidate any more', GREETING, 'this.#admission.raise(now, peer, ANSWERED);', ''),
  m('the ranks take turns', PROBER, 'TURNS[this.#turn++ % TURNS.length]!', '[0, 1, 2].find((rank) => this.#waiting[rank]!.size > 0)!'),
  m('PEERS of one peer are rationed', EXCHANGE, 'if (toldAt > now) {', 'if (false) {'),
  m('peers tell each other of peers', EXCHANGE, 'const count = Math.min(room, shared.length + others.length);', 'const count = 0;'),
  m('PEERS are taken as candidates', EXCHANGE, 'for (let i = 0, entry = at + 1; i < count;', 'for (let i = 0, entry = at + 1; i < 0;'),
  m('equal alarms fire in the order they were set', ALARMS, '|| (a.alarmAt === b.alarmAt && a.alarmOrder < b.alarmOrder)', ''),
  m('the round trip is smoothed', ROUND_TRIP, 'this.#srtt += (sampleMs - this.#srtt) / 8;', 'this.#srtt = sampleMs * 3;'),
  // broadcast: subscriptions
  m('SUBS is repeated until it is acknowledged', LIVENESS, 'peer.subsDue = true;\n    this.#outbox.touch(peer);', ''),
  m('SUBS is acknowledged', BROADCAST, 'peer.subsAckDue = true;', ''),
  m('an older SUBS changes nothing', SUBSCRIPTIONS, 'if (!newer) return;', ''),
  m('a change of ours is told to all', BROADCAST, 'peer.subsDue = true;\n      peer.subsSentCount = 0;', ''),
  m('HELLO of a newer version asks for SUBS', GREETING, 'peer.subsReqDue = true;', ''),
  m('who asks for the list gets it soon', BROADCAST, 'peer.subsSentCount = 0; // it', '// it'),
  m('a leave and a join between two lists are noticed', SUBSCRIPTIONS, 'if (before.get(key)?.life === subscription.life) before', 'if (before.has(key)) before'),
  m('a leave is noticed', SUBSCRIPTIONS, 'listener.onSubscriptions(now, peer, joined, [...before.values()]);', 'listener.onSubscriptions(now, peer, joined, []);'),

  m('the first list counts, whatever its version', SUBSCRIPTIONS, 'peer.subsHeld === 0 || serialDiff', 'serialDiff'),
  m('what has come is not asked for', OUTBOX, 'if (peer.subsAckDue && peer.subsHeld === peer.subsVersion) peer.subsReqDue = false;', ''),
  m('addresses that were ours are bounded', BROADCAST, '.slice(0, SUBS_ADDRESSES_MAX)', ''),
  m('groups are bounded', SUBSCRIPTIONS, 'if (this.#own.size >= SUBS_ENTRIES_MAX) return false;', ''),
  m('repeated SUBS become rarer', SUBSCRIPTIONS, ' * 1.5 ** Math.max(0, peer.subsSentCount - 1)', ''),
  m('SUBS is repeated soon after each change', BROADCAST, 'peer.subsDue = true;\n      peer.subsSentCount = 0;', 'peer.subsDue = true;'),
  m('who asks for SUBS gets it', BROADCAST, 'peer.subsDue = true;\n      this.outbox.touch(peer);\n      return true;', 'this.outbox.touch(peer);\n      return true;'),

  ...streamMutants,
];
