// A program in ucode, on the system's bus: prints what a group says, also after the daemon has been restarted.
//   ucode watch.uc GROUP [SOCKET]
import { stdout } from 'fs';
import { connect } from 'ubus';
import * as uloop from 'uloop';

uloop.init();
let group = ARGV[0], bus = connect(ARGV[1]), subscriber;

function enter() {
	if (!bus.call('meshchat.groups', 'join', { name: group })) return;
	subscriber = bus.subscriber((request) => {
		let it = request.data;
		if (request.type == 'message') stdout.write(`${it.source}: ${it.text ?? it.data}\n`);
		if (request.type == 'gap') stdout.write(`missed ${it.from} to ${it.to} of ${it.source}\n`);
		stdout.flush();
	});
	subscriber.subscribe('meshchat.group.' + group);
}

let listener = bus.listener('ubus.object.add', (event, object) => object.path == 'meshchat.groups' && enter());
enter();
uloop.run();
