// The rules of the protocol, each with the change that breaks it: {rule, file, text, by}. `text` stands exactly once in `file`.
// A rule that is added to src/wire, src/broadcast or src/multicast gets its line here.
const CURSOR = 'src/multicast/cursor.ts';
const DATA_WRITER = 'src/multicast/data-writer.ts';
const OUTSTANDING = 'src/multicast/outstanding.ts';
const REPAIR_QUEUE = 'src/multicast/repair-queue.ts';
const PROBE_TIMEOUT = 'src/multicast/probe-timeout.ts';
const HOLES = 'src/multicast/holes.ts';
const STATUS_WRITER = 'src/multicast/status-writer.ts';
const RECEIVE = 'src/multicast/receive-stream.ts';
const SEND = 'src/multicast/send-stream.ts';
const LOG = 'src/multicast/send-log.ts';
const DELIVERY = 'src/multicast/delivery.ts';
const WINDOW = 'src/multicast/congestion-window.ts';
const SCHEDULER = 'src/multicast/scheduler.ts';
const GROUPS = 'src/multicast/group-table.ts';
const MEMBERSHIP = 'src/multicast/membership.ts';
const INBOUND = 'src/multicast/inbound.ts';
const GOSSIP = 'src/multicast/gossip.ts';
const SRM_LOSSES = 'src/multicast/srm-losses.ts';
const SRM_REPAIRS = 'src/multicast/srm-repairs.ts';
const SRM_TIMER = 'src/multicast/srm-timer.ts';
const NUMBERS = 'src/multicast/numbers.ts';
const GROUP = 'src/multicast/group.ts';
const SESSION = 'src/multicast/session.ts';
const DEDUP = 'src/multicast/datagram-dedup.ts';
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
  m('an echo goes back by the way that it came', STATUS_WRITER, 'this.#echoAt >= 0 && this.#echoBy === peer.way', 'this.#echoAt >= 0'),
  m('a round trip is of the way by which STATUS came', CURSOR, '= context.broadcast.from ?? this.peer;', '= this.peer.way;'),
  m('what came to another name of the source has come', MEMBERSHIP, 'lead.receiveStream(stream.group, stream.addressed).takeOver(now, stream);', ';'),
  m('a message in parts goes over to the stream that goes on', RECEIVE, 'const parts = other.#delivery.parts;', 'const parts: Packet[] = [];'),
  m('what another stream kept is not asked for', RECEIVE, 'this.#holes.remove(seq);', ''),
  m('what waits to be sent again goes when it may', SCHEDULER, 'if (cursor.hasRepairs) this.readyRepair(cursor);\n    if (cursor.hasNew)', 'if (cursor.hasNew)'),
  m('what one name lacks goes on to the one that stays', MEMBERSHIP, '        group.handOver(peer, peer.lead);\n', ''),
  m('unless both names have used its numbers', GROUP, ' || serialDiff(from, other.log.next) < 0', ''),
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
  m('a leave and a join between two lists are noticed', SUBSCRIPTIONS, 'if (before.get(key)?.life === subscription.life) before', 'if (before.has(key)) before'),
  m('a leave is noticed', SUBSCRIPTIONS, 'listener.onSubscriptions(now, peer, joined, [...before.values()]);', 'listener.onSubscriptions(now, peer, joined, []);'),

  // multicast: the source
  m('the probe timeout asks when nothing comes back', PROBE_TIMEOUT, 'else this.#sender.onProbeDue(now, seq);', ''),
  m('a probe is the small packet itself', CURSOR, 'if (small && this.#timeout.tries <= PROBE_DATA_TRIES', 'if (false'),
  m('after three data probes POLL asks', CURSOR, 'this.#timeout.tries <= PROBE_DATA_TRIES', 'true'),
  m('the probe timeout grows', PROBE_TIMEOUT, 'const factor = 1.2 ** Math.min(this.tries, 4) * 2 ** Math.max(0, this.tries - 4);', 'const factor = 1;'),
  m('nothing new goes to a silent receiver', CURSOR, ' && !this.#timeout.silent;', ';'),
  m('holes that are named are repaired', CURSOR, 'if (serialDiff(requestHigh, status.cumulative) > 0) this.#repairs.onRequest(now, requestHigh, status.tries);', ''),
  m('hold-down: not again within 0.9 round trips', REPAIR_QUEUE, 'counters.holdDowns++;\n        continue;', 'counters.holdDowns++;'),
  m('overtaken: a packet sent once is lost when a later one has arrived', OUTSTANDING, 'if (flight.sends[slot] === 1) return laterMs', 'if (false) return laterMs'),
  m('overtaken: a repair is lost when something sent well after it has arrived', OUTSTANDING, 'return flight.sends[slot]! > 1 &&', 'return false &&'),
  m('overtaken: paths reorder', OUTSTANDING, 'laterMs > this.#peer.roundTrip.minMs * REORDER_SHARE', 'laterMs > 0'),
  m('who asks by one name for what came under another is told', CURSOR, 'this.#refusedBelow = serialAdd(sent.base, 1);', ';'),
  m('a repair begins the hold-down anew', OUTSTANDING, 'if ((flight.state[slot]! & COPY) === 0 || ', 'if (flight.sends[slot]! < 2 || '),
  m('escalation: a second copy after repeated requests', REPAIR_QUEUE, 'if (options.escalate && tries >= ESCALATE_TRIES) this.#copyLater(now, seq);', ''),
  m('START is repeated until the first STATUS', DATA_WRITER, 'const start = this.started ? 0 : DATA_START;\n    const flags = entry', 'const start = seq === this.start ? DATA_START : 0;\n    const flags = entry'),
  m('the next packet after idling asks for an acknowledgement', DATA_WRITER, 'if (now - this.sentAt > Math.max(IDLE_MS, 1.5 * srttMs)) return true;', ''),
  m('what was never sent cannot be acknowledged', CURSOR, 'serialDiff(status.high, log.next) >= 0 || ', ''),
  m('high is not below cumulative', CURSOR, ' || ahead < 0', ''),
  m('high is within the window', CURSOR, ' || ahead > RECEIVE_WINDOW', ''),
  m('the bitmap acknowledges', OUTSTANDING, 'flight.state[flight.slot(seq)]! |= ACKED;', ''),
  m('a receiver that begins anew gets START again', CURSOR, 'if (status.flags & STATUS_NEED_START) return this.#restart(now, status);', ''),
  m('START that is on its way is not repeated', CURSOR, 'Math.max(sent.holdMs, saidMs)', 'saidMs'),
  m('NEED_START of before START means nothing', CURSOR, 'Math.max(sent.holdMs, saidMs)', 'sent.holdMs'),
  m('what is no round trip is no queue', CURSOR, 'if (ownRoundTrip.onSample(now, rttMs))', 'ownRoundTrip.onSample(now, rttMs);\n      if (rttMs >= 0)'),
  m('a closed receive window is probed', CURSOR, 'Math.max(1, Math.min(RECEIVE_WINDOW, status.window))', 'Math.min(RECEIVE_WINDOW, status.window)'),
  m('what was not sent to one member is kept for it', CURSOR, 'return !this.outstanding && this.next === this.stream.log.next;', 'return !this.outstanding;'),
  m('the receive window is respected', CURSOR, ' && serialDiff(next, base) <= this.#window', ''),
  m('a peer heard after silence is asked at once', CURSOR, '!this.#timeout.onHeard(now)) return;\n    this.#owePoll();', '!this.#timeout.onHeard(now)) return;'),
  m('unanswered bytes leave the window', CURSOR, '    this.#sent.uncountAll();\n    this.stream.expire(now);', '    this.stream.expire(now);'),
  m('bytes on their way to who is not alive leave the window', SESSION, 'cursor.onAway(now);', 'void cursor;'),
  m('bytes of which there is no word stay a hold-down', OUTSTANDING, 'now + this.holdMs', 'now'),
  m('who was away for 25 days is not held down', OUTSTANDING, 'return (now - flight.sentAt[flight.slot(seq)]!) >>> 0;', 'return (now - flight.sentAt[flight.slot(seq)]!) | 0;'),
  m('a packet counts as much as it did at first', OUTSTANDING, '      flight.bytes[slot] = size;\n    }', '    }\n    flight.bytes[slot] = size;'),
  m('a second copy dies with its queue', REPAIR_QUEUE, 'this.#copies.clear();', ''),
  m('timely: nothing is sent that comes too late', CURSOR, 'return playoutMs > 0 && now', 'return playoutMs < 0 && now'),
  m('messages are cut into packets', SEND, 'const count = Math.max(1, Math.ceil(data.length / DATA_PAYLOAD_MAX));', 'const count = 1;'),
  m('the payload is copied', SEND, 'const payload = data.slice(', 'const payload = data.subarray('),
  m('fan-out begins with another receiver each time', SEND, 'const first = this.#rotation++ % Math.max(1, cursors.length);', 'const first = 0;'),
  m('a full log refuses', SEND, 'heldBytes > logBytesMax || ', ''),
  m('a full node refuses', SEND, ' || nodeBytes > nodeLogBytesMax', ''),
  m('what all have goes first', SEND, 'context.scheduler.reclaim(now, undefined, bytes, true)', 'false'),
  m('a stale member holds nobody up for long', SEND, 'const silent = cursor.silent || cursor.peer.reach !== ALIVE;', 'const silent = cursor.silent;'),
  m('a member that lags holds nobody up', SEND, 'if (entry === undefined || now - entry.publishedAt > this.context.options.lagMs) return true;', 'if (entry === undefined) return true;'),
  m('under block nobody loses', SEND, "if (this.group.options.slow === 'block') return false;", ''),
  m('under evict a slow member loses all that it lacks', SEND, "this.group.options.slow === 'evict' ? this.log.next : this.log.low", 'this.log.low'),
  m('what is too old is let go', SEND, 'publishedAt < before', 'publishedAt < 0'),
  m('room is told', SEND, 'this.context.output.room(this.group);', ''),
  m('the budget of the node bounds all logs', SEND, ' || context.logBytes + bytes > nodeLogBytesMax', ''),
  m('bookkeeping counts', LOG, 'return this.payload.length + ENTRY_OVERHEAD_BYTES;', 'return this.payload.length;'),
  m('last K counts messages', LOG, 'if (this.at(seq)!.flags & DATA_FIRST) found++;', 'found++;'),
  m('a late joiner starts where it asked', GROUP, 'const from = startByte === START_NOW ? log.next', 'const from = startByte >= START_NOW ? log.next'),
  m('a message to one member needs that member', GROUP, 'if (peer === undefined) return REFUSED_NO_MEMBER;\n    let stream', 'let stream'),
  m('a message has a largest size', GROUP, 'if (data.length > MESSAGE_BYTES_MAX) return REFUSED_TOO_LONG;\n    const seq', 'const seq'),
  m('STATUS of another life is refused', INBOUND, 'if (cursor?.life !== status.life)', 'if (cursor === undefined)'),
  m('START in DATA is for one life', RECEIVE, 'data.flags & DATA_START && data.life === this.group.life', 'data.flags & DATA_START'),
  m('START in POLL is for one life', INBOUND, 'flags & DATA_START && poll.life === group.life', 'flags & DATA_START'),
  m('who is gone when we join is a member', MEMBERSHIP, 'peer.known ? peer.subscriptions', 'peer.known && peer.reach !== GONE ? peer.subscriptions'),
  m('who is clear only later starts where it asked', MEMBERSHIP, '      if (!peer.shadowed) {\n        this.#joined(group, peer, start);', '      if (!peer.shadowed) {\n        this.#joined(group, peer, 0);'),
  m('the log lets go of what is old', SEND, 'this.expire(now);\n    const oldest', 'const oldest'),
  m('numbers go on after leaving and joining', GROUPS, 'this.#context.numbers.next(String(key))', 'this.#context.options.firstSeq'),
  m('numbers that are forgotten are not used again', NUMBERS, 'this.#floor = end;', ';'),
  m('each member has private numbers of its own', GROUP, '`${this.key} ${peer.id}`', '`${this.key} private`'),
  m('a left group still repairs', GROUPS, 'if (group.left && group.isDrained(true))', 'if (group.left)'),
  m('a left group waits for who is gone', GROUPS, 'group.left && group.isDrained(true)', 'group.left && group.isDrained(false)'),
  m('groups that were left are bounded', GROUPS, 'if (left.length > LEFT_MAX)', 'if (false)'),
  m('a left group that is joined again goes on', GROUPS, 'if (other || group === undefined)', 'if (true)'),
  m('members of a group joined again are told', MEMBERSHIP, "else if (peer.reach !== GONE) this.#tell(group, peer, 'joined');", ''),
  m('who came while we were away starts where it asked', MEMBERSHIP, 'this.#joined(group, peer, theirs.start);', 'this.#joined(group, peer, 0);'),
  m('a group is not joined by the name of another', GROUPS, 'return other ? undefined :', 'return false ? undefined :'),
  m('a left group gives way to another of its id', GROUPS, 'if (other) this.#close(group!);', ''),
  m('what one member was sent alone is kept until it has all', SEND, 'this.addressed && cursor.drained', 'this.addressed'),
  m('what one member was sent alone is let go when it has all', SEND, 'this.addressed && cursor.drained', 'false'),

  // multicast: the receiver
  m('a duplicate is not delivered again', RECEIVE, 'if (ahead <= 0 || this.#reorder.packets.has(data.seq)) return this.#onDuplicate(now, data);', 'if (ahead <= 0) return this.#onDuplicate(now, data);'),
  m('what is behind is not delivered again', RECEIVE, 'if (ahead <= 0 || this.#reorder.packets.has(data.seq)) return this.#onDuplicate(now, data);', 'if (this.#reorder.packets.has(data.seq)) return this.#onDuplicate(now, data);'),
  m('packets past the window are not taken', RECEIVE, 'if (ahead > RECEIVE_WINDOW) {', 'if (ahead > 1e9) {'),
  m('the reorder buffer is bounded', RECEIVE, 'if (!last && !this.#admits(seq, payloadLength, ahead === 1)) return false;', ''),
  m('a duplicate is acknowledged', RECEIVE, 'if (data.flags & DATA_ACK_NOW || !answered) this.#oweStatus();', ''),
  m('an acknowledgement asked for comes at once', RECEIVE, 'if (data.flags & DATA_ACK_NOW || this.unacknowledgedCount >= ACK_PACKETS) this.#oweStatus();', 'if (this.unacknowledgedCount >= ACK_PACKETS) this.#oweStatus();'),
  m('acknowledgements are delayed', RECEIVE, 'this.unacknowledgedCount >= ACK_PACKETS', 'this.unacknowledgedCount >= 1'),
  m('a hole is asked for only after the reorder delay', HOLES, 'const dueAt = direct ? now + reorderMs', 'const dueAt = direct ? now'),
  m('false alarms widen the reorder delay', HOLES, 'this.#reorderSixteenths = Math.min(REORDER_SIXTEENTHS_MAX, this.#reorderSixteenths + 1);', ''),
  m('requests are repeated', HOLES, 'hole.dueAt = now + (hole.twice ? TWICE_MS : this.#requestMs(hole.tries));', 'hole.dueAt = Infinity;'),
  m('repeated requests back off', HOLES, 'first * REQUEST_BACKOFF ** Math.max(0, tries - 2)', 'first'),
  m('a copy without its start asks for it', RECEIVE, 'if (!this.started) return this.#needStart(now);', 'if (!this.started) return;'),
  m('POLL is answered', RECEIVE, 'if (answer) this.#oweStatus();\n    this.#arm(now);', 'this.#arm(now);'),
  m('POLL names what is missing', RECEIVE, 'if (reach > 0 && this.#admits(to, 0, false)) this.#noteHigh(now, to, now + this.#usefulMs);', ''),
  m('what the source has let go is given up', RECEIVE, "this.giveUpTo(serialAdd(low, -1), late ? 'late' : reason);", ''),
  m('timely: a hole is given up at its deadline', RECEIVE, 'while (this.#expiresAt() <= now)', 'while (this.#expiresAt() < 0)'),
  m('a source that is gone leaves a gap', MEMBERSHIP, "if (state === GONE) this.#abandon(now, session, 'source-gone');", ''),
  m('a restarted source leaves a gap', MEMBERSHIP, '    this.#abandon(now, session, reason);', ''),
  m('HELLO shows a lost tail', INBOUND, 'this.#membership.session(peer).streams.get(group.key)?.onHigh(now, seq, false);', 'void seq;'),
  m('fragments are joined', DELIVERY, 'else if (packet.flags & DATA_LAST) this', 'else this'),
  m('a message whose beginning is missing belongs to the gap', DELIVERY, 'this.#openGap(seq, this.#gapReason);', ''),
  m('unordered: a message is handed over once', DELIVERY, 'for (const part of parts) reorder.strip(part);', ''),
  m('unordered: messages do not wait for holes', RECEIVE, 'if (!this.group.options.ordered) this.#delivery.early(seq, this.#reorder);', ''),
  m('what waits for the window stays first', CURSOR, 'return this.stream.context.window.admits(entry.payload.length) ? undefined : false;', 'return undefined;'),
  m('unreliable datagrams count in the window', DATA_WRITER, 'window.onSend(now, size, false);', ''),
  m('unreliable datagrams leave the window', DATA_WRITER, 'this.#sent.leaveLater(now, size);', ''),
  m('unreliable datagrams are paced', DATA_WRITER, 'this.#peer.paceBytes -= size;\n    counters', 'counters'),
  m('unreliable datagrams that wait are bounded', CURSOR, 'if (this.#datagrams.length >= DATAGRAMS_MAX) this.stream.context.counters.datagramsDropped++;\n    else ', ''),
  m('unreliable datagrams wait for nobody to return', CURSOR, 'this.#datagrams.length = 0;', ''),
  m('unreliable datagrams come once', DEDUP, 'if (seen[1] & bit) return false;', ''),

  // multicast: the srm repair mode
  m('srm: who hears another ask stays silent', SRM_LOSSES, 'this.#onRequest(now, loss);\n      }\n    }\n  }', '}\n    }\n  }'),
  m('srm: requests back off', SRM_LOSSES, 'loss.backoff = Math.min(BACKOFF_MAX, loss.backoff + 1);', ''),
  m('srm: requests of one round count once', SRM_LOSSES, 'if (loss.backoff > 0) loss.ignoreUntil = now + waitMs / 2;', ''),
  m('srm: requests go to the whole group', SRM_LOSSES, 'for (const peer of this.#group.peers.values()) (peer', 'for (const peer of [this.#source]) (peer'),
  m('srm: request timers are random', SRM_TIMER, 'this.random * uniform', 'this.random * 0'),
  m('srm: constants adapt to duplicates', SRM_TIMER, 'this.random += 0.5;', ''),
  m('srm: constants stay in their bounds', SRM_TIMER, 'this.random = Math.min(Math.max(groupSize, RANDOM_MIN), Math.max(RANDOM_MIN, this.random));', ''),
  m('srm: repairs go to all that lack the packet', SRM_REPAIRS, 'cursor.repairForGroup(now, seq', 'if (seq < 0) cursor.repairForGroup(now, seq'),
  m('srm: hold-down after a repair', SRM_REPAIRS, 'repair.holdUntil = now + 3 * repair.distanceMs;', 'repair.holdUntil = now;'),
  m('srm: session messages show a lost tail', SRM_REPAIRS, '(cursor.peer.session as Session).oweFrame(FRAME_SESSION, 0, body);', ''),
  m('srm: session messages tell what was sent to that member', SRM_REPAIRS, 'serialAdd(cursor.next, -1)', 'serialAdd(this.#group.stream.log.next, -1)'),
  m('srm: in the end the source is asked alone', HOLES, 'if (hole.dueAt === Infinity && srm.triesOf(seq) >= SRM_TRIES_MAX)', 'if (hole.dueAt === -1)'),

  // multicast: gossip
  m('who differs about the members tells whom it knows', GOSSIP, 'peer.peersDue = true;', ''),
  m('equal digests are not answered', GOSSIP, 'if (own.count === count && own.sum === sum) return;', ''),
  m('HINT tells of the tail of a dead source', GOSSIP, 'this.#toTell.add(ending);\n    this.#context.alarms.setEarlier(this, now + HINT', 'this.#context.alarms.setEarlier(this, now + HINT'),
  m('a hint is believed only so far', GOSSIP, ' || serialDiff(high, ending.hintedMax) > 0', ''),

  // multicast: congestion and turns
  m('bytes in flight are bounded', WINDOW, 'const fits = this.inFlight === 0 || this.inFlight + size <= this.bytes;', 'const fits = true;'),
  m('the window shrinks when a queue builds up', WINDOW, 'if (this.#slowStart && lasts && this.#queuedRun >= SLOW_START_EXIT_SAMPLES) this.#reduce();', ''),
  m('held back without a queue: slow start again', WINDOW, 'else if (this.#limited && ++this.#calmPeriods >= CALM_PERIODS) this.#slowStart = true;', ''),
  m('the window grows', WINDOW, 'if (this.#limited) this.bytes = Math.min(MAX_BYTES, this.bytes + factor * bytes);', ''),
  m('a burst to one path is paced', SCHEDULER, 'if (peer.paceBytes <= 0) {', 'if (peer.paceBytes <= -1e9) {'),
  m('groups of a node take turns', SCHEDULER, 'if (stream.ready.length > 0) this.#streams.push(stream);', 'if (stream.ready.length > 0) this.#streams.unshift(stream);'),
  m('one call sends at most 100 datagrams', SCHEDULER, 'const limit = broadcast.writer.sentCount + TURN_DATAGRAMS_MAX;', 'const limit = Infinity;'),
  m('data leaves room for what else is owed', SCHEDULER, 'limit - Math.min(TURN_OWED_MAX, broadcast.outbox.size)', 'limit'),
  m('acknowledgements ride on data', SCHEDULER, 'stream.session(peer).ride(now, writer);', ''),
  m('frames owed to a peer are bounded', SESSION, ' || this.#owedFrames.length >= FRAMES_MAX', ''),
  m('nothing is owed to who is not alive', SESSION, 'this.peer.reach !== ALIVE || ', ''),
  m('what was owed to who went away is old news', SESSION, 'this.#owedFrames.length = 0;', ''),
];
