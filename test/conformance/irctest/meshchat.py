"""irctest controller for meshchatd: one daemon, or MESHCHAT_NODES of them in one mesh with the clients spread over them."""
import base64, hashlib, json, os, shutil, signal, subprocess, time
from typing import Optional, Set, Type

from irctest import patma
from irctest.basecontrollers import BaseServerController, DirectoryBasedController
from irctest.runner import NotImplementedByController
from irctest.specifications import Capabilities, OptionalBehaviors

DIST = os.environ["MESHCHAT_DIST"]
NODES = int(os.environ.get("MESHCHAT_NODES", "1"))
MEET_SECONDS_MAX = 10


def quoted(value):
    return "'%s'" % str(value).replace("'", "'\\''")


def hash_password(password):
    salt = os.urandom(8)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 50)
    return "pbkdf2-sha256$50$%s$%s" % (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())


class MeshchatController(BaseServerController, DirectoryBasedController):
    software_name = "meshchat"
    _port_wait_interval = 0.02
    supported_sasl_mechanisms: Set[str] = {"PLAIN"}
    supports_sts = False
    sync_sleep_time = 0.05 if NODES > 1 else 0.0
    capabilities = frozenset((
        Capabilities.ACCOUNT_NOTIFY, Capabilities.ACCOUNT_TAG, Capabilities.AWAY_NOTIFY, Capabilities.BATCH,
        Capabilities.ECHO_MESSAGE, Capabilities.EXTENDED_JOIN, Capabilities.EXTENDED_MONITOR,
        Capabilities.LABELED_RESPONSE, Capabilities.MESSAGE_TAGS, Capabilities.MULTILINE, Capabilities.MULTI_PREFIX,
        Capabilities.READ_MARKER, Capabilities.SERVER_TIME, Capabilities.SETNAME, Capabilities.MESSAGE_REDACTION,
    ))
    optional_behaviors = frozenset((
        OptionalBehaviors.BAN_EXCEPTION_MODE, OptionalBehaviors.CAP_REQ_MINUS, OptionalBehaviors.INVITE_EXCEPTION_MODE,
        OptionalBehaviors.INVITE_LIST, OptionalBehaviors.INVITE_OVERRIDES_LIMIT, OptionalBehaviors.MULTI_JOIN,
        OptionalBehaviors.MULTI_KICK, OptionalBehaviors.MULTI_NAMES_COMMAND, OptionalBehaviors.MULTI_PRIVMSG,
        OptionalBehaviors.NO_CTCP, OptionalBehaviors.SASL_AFTER_REGISTRATION,
        OptionalBehaviors.ELIST_M, OptionalBehaviors.ELIST_N, OptionalBehaviors.ELIST_U, OptionalBehaviors.ELIST_C,
        OptionalBehaviors.ELIST_T,
    ))
    isupport = {
        "BOT": "B", "CASEMAPPING": "ascii", "ELIST": "CMNTU", "INVEX": "I", "MONITOR": patma.ANYSTR,
        "MSGREFTYPES": "msgid,timestamp", "PREFIX": "(ov)@+", "STATUSMSG": "@+", "TARGMAX": patma.ANYSTR,
        "UTF8ONLY": None, "WHOX": None,
    }

    def _address(self, node):
        # Of this test alone: the daemons' UDP port is the same everywhere.
        return "127.%d.%d.%d" % (self.port >> 8, self.port & 255, 100 + node)

    def _socket(self, node):
        return str(self.directory / ("%d.sock" % node))

    def _write_node(self, node):
        options = [("listen", "127.0.0.1:%d" % self.ports[node]), *self._options]
        if node == 0 and self._websocket:
            options.append(("websocket", self._websocket))
        lists = ("listen", "websocket", "motd", "admin_info")
        lines = [
            "config meshchat 'main'", "\toption socket " + quoted(self._socket(node)),
            "\toption state_dir " + quoted(self.directory / str(node)), "\toption system_bus 'off'",
            "config mesh", "\toption type 'static'", "\tlist address " + quoted(self._address(node)),
            *["\tlist peer " + quoted(self._address(other)) for other in range(NODES) if other != node],
            "config irc 'irc'",
            *["\t%s %s %s" % ("list" if name in lists else "option", name, quoted(value)) for name, value in options],
        ]
        for name, password, operator in self._accounts:
            lines += ["config account", "\toption name " + quoted(name), "\toption password " + quoted(password)]
            lines += ["\toption operator '1'"] if operator else []
        (self.directory / ("%d.conf" % node)).write_text("\n".join(lines) + "\n")

    def _write(self):
        for node in range(NODES):
            self._write_node(node)

    def run(self, hostname, port, *, password, ssl, run_services, faketime, websocket_hostname=None, websocket_port=None, config=None):
        if ssl:
            raise NotImplementedByController("TLS")
        super().create_config()
        self.port = port
        self.hostname = hostname
        self.ports = [port] + [self.get_hostname_and_port()[1] for _ in range(1, NODES)]
        self._accounts = [("nobody", hash_password("x"), False), ("operuser", hash_password("operpassword"), True)]
        self._options = [
            ("server_name", "My.Little.Server"), ("network_name", "meshtest"), ("motd", "message of the day"),
            ("playback_lines", "0"), ("admin_info", "Bob Smith"), ("admin_info", ""), ("admin_info", "email@example.org"),
        ]
        if password is not None:
            self._options.append(("password", password))
        self._websocket = "%s:%d" % (websocket_hostname, websocket_port) if websocket_port else None
        self._write()
        before = ""
        if faketime and shutil.which("faketime"):
            before = "faketime -f %s " % quoted(faketime)
            self.faketime_enabled = True
        daemons = [
            "%s%s --config %s" % (before, quoted(DIST + "/meshchatd"), quoted(self.directory / ("%d.conf" % node)))
            for node in range(NODES)
        ]
        self.proc = self.execute(["sh", "-c", " & ".join(daemons[1:] + ["exec " + daemons[0]])])
        self._meet()
        if run_services:
            self.wait_for_services()

    def _meet(self):
        """Waits until every daemon has all others in the group of the IRC directory."""
        end = time.time() + MEET_SECONDS_MAX
        waiting = list(range(NODES)) if NODES > 1 else []
        while waiting and time.time() < end:
            result = subprocess.run(
                [DIST + "/meshchat", "-s", self._socket(waiting[0]), "--json", "members", "irc"],
                env={**os.environ, "MESHCHAT_RUNTIME": "node"}, capture_output=True, text=True,
            )
            if result.returncode == 0 and len(json.loads(result.stdout)["members"]) >= NODES:
                waiting.pop(0)
            else:
                time.sleep(0.05)

    def kill_proc(self):
        """Waits for all daemons: they write to the folder that is removed next."""
        group = os.getpgid(self.proc.pid)
        super().kill_proc()
        end = time.time() + 1
        while time.time() < end:
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)

    def wait_for_services(self):
        self.wait_for_port()

    def registerUser(self, case, username, password=None):
        if not case.run_services:
            raise ValueError("run_services is not True")
        self._accounts.append((username, hash_password(password), False))
        self._write()
        self._terminate_process_group(signal.SIGHUP)
        time.sleep(0.15)


def get_irctest_controller_class() -> Type[MeshchatController]:
    return MeshchatController
