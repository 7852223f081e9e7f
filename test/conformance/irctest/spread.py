"""The same controller, clients spread over MESHCHAT_NODES nodes round robin."""
import os
os.environ.setdefault("MESHCHAT_NODES", "2")
from irctest import cases
import meshchat
from meshchat import *

_connect = None

def _patch():
    import irctest.cases as c
    original = c.BaseServerTestCase.addClient
    def addClient(self, name=None, *args, **kwargs):
        ports = getattr(self.controller, "ports", None)
        if ports and len(ports) > 1:
            n = getattr(self, "_client_count", 0)
            self._client_count = n + 1
            time.sleep(0.03)
            saved = self.port
            self.port = ports[n % len(ports)]
            try:
                return original(self, name, *args, **kwargs)
            finally:
                self.port = saved
        return original(self, name, *args, **kwargs)
    c.BaseServerTestCase.addClient = addClient
_patch()

def get_irctest_controller_class():
    return meshchat.MeshchatController
