"""The same controller; each new client of a test connects to the next of its nodes, round robin."""
import time

import irctest.cases
from meshchat import get_irctest_controller_class  # noqa: F401: irctest asks for it

# What one client did must have reached the other nodes before the next one comes.
SETTLE_SECONDS = 0.03

_add_client = irctest.cases.BaseServerTestCase.addClient


def add_client(self, name=None, *args, **kwargs):
    ports = getattr(self.controller, "ports", None) or [self.port]
    count = getattr(self, "_client_count", 0)
    self._client_count = count + 1
    time.sleep(SETTLE_SECONDS)
    first = self.port
    self.port = ports[count % len(ports)]
    try:
        return _add_client(self, name, *args, **kwargs)
    finally:
        self.port = first


irctest.cases.BaseServerTestCase.addClient = add_client
