/** UDP sockets of Node. No allocation of ours per received datagram; one copy per sent one, as Node may keep it. */
import type * as NodeDgram from 'node:dgram';
import type { Loop } from './guard.ts';
import { GuardedDatagram } from './guarded-datagram.ts';
import type { DatagramOptions, DatagramSocket } from './runtime.ts';
import { systemError } from './socket-path.ts';

const LINK_LOCAL = /^f(e[89ab]|f.2)/i;

export function nodeDatagram(dgram: typeof NodeDgram, loop: Loop, options: DatagramOptions): Promise<DatagramSocket> {
  const { address, port, scope } = options;
  const ipv6 = address.includes(':');
  const zone = scope === undefined ? '' : `%${scope}`;
  const socket = dgram.createSocket({
    type: ipv6 ? 'udp6' : 'udp4', ipv6Only: ipv6,
    // Addresses are numeric: no turn of the loop is spent on looking them up.
    lookup: (name, _options, callback) => callback(null, name, ipv6 ? 6 : 4),
  });
  const guarded = new GuardedDatagram(loop, options);
  const onSent = (error: Error | null): void => (error === null ? guarded.onSent() : guarded.onSendError());
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => reject(systemError(error)));
    socket.bind({ address: address + zone, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      socket.on('error', guarded.fail);
      socket.on('message', (bytes, from) => {
        guarded.onReceived(bytes, zone === '' ? from.address : (from.address.split('%')[0] as string), from.port);
      });
      resolve(guarded.open({
        send(bytes, to, toPort) {
          socket.send(Buffer.from(bytes), toPort, zone !== '' && LINK_LOCAL.test(to) ? to + zone : to, onSent);
          return true;
        },
        join(group, name) {
          socket.addMembership(group, ipv6 ? `::%${name}` : name);
          if (ipv6) socket.setMulticastInterface(`::%${name}`);
        },
        close: () => socket.close(),
      }, socket.address().port));
    });
  });
}
