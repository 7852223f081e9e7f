"""irctest controller for meshchat's IRC server (harness on Node with a mesh in memory, or MESHCHAT_NODES>1 spread)."""
import base64, hashlib, json, os, signal, subprocess, time
from typing import Optional, Set, Type

from irctest import patma
from irctest.basecontrollers import BaseServerController, DirectoryBasedController
from irctest.runner import NotImplementedByController
from irctest.specifications import Capabilities, OptionalBehaviors

HARNESS = os.environ["MESHCHAT_HARNESS"]
RUNNER = os.environ.get("MESHCHAT_RUN", "node").split()
NODES = int(os.environ.get("MESHCHAT_NODES", "1"))


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

    def create_config(self) -> None:
        super().create_config()

    def _write(self):
        nodes = []
        for i in range(NODES):
            options = dict(self._options)
            options["listen"] = [{"address": "127.0.0.1", "port": self.ports[i]}]
            if i > 0:
                options["websocket"] = []
            options["accounts"] = self._accounts
            options["memory"] = {"latencyMs": 1}
            nodes.append(options)
        (self.directory / "nodes.json").write_text(json.dumps(nodes))

    def run(self, hostname, port, *, password, ssl, run_services, faketime, websocket_hostname=None, websocket_port=None, config=None):
        if ssl:
            raise NotImplementedByController("TLS")
        self.create_config()
        self.port = port
        self.hostname = hostname
        self.ports = [port]
        for _ in range(1, NODES):
            self.ports.append(self.get_hostname_and_port()[1])
        self._accounts = [{"name": "nobody", "password": hash_password("x")}]
        self._options = {
            "serverName": "My.Little.Server", "networkName": "meshtest", "motd": ["message of the day"], "playbackLines": 0,
            "operators": [{"name": "operuser", "password": hash_password("operpassword")}],
            "adminInfo": ["Bob Smith", "", "email@example.org"],
        }
        if password is not None:
            self._options["password"] = password
        if websocket_port:
            self._options["websocket"] = [{"address": websocket_hostname, "port": websocket_port}]
        self._write()
        faketime_cmd = []
        if faketime:
            import shutil
            if shutil.which("faketime"):
                faketime_cmd = ["faketime", "-f", faketime]
                self.faketime_enabled = True
        self.proc = self.execute([*faketime_cmd, *RUNNER, HARNESS, str(self.directory / "nodes.json")])
        if run_services:
            self.wait_for_services()

    def wait_for_services(self):
        self.wait_for_port()

    def registerUser(self, case, username, password=None):
        if not case.run_services:
            raise ValueError("run_services is not True")
        self._accounts.append({"name": username, "password": hash_password(password)})
        self._write()
        self.proc.send_signal(signal.SIGHUP)
        time.sleep(0.15)


def get_irctest_controller_class() -> Type[MeshchatController]:
    return MeshchatController
