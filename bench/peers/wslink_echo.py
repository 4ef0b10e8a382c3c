"""A wslink server with one method that gives its argument back. Started with --host and --port."""

import sys

from wslink import register, server
from wslink.websocket import LinkProtocol, ServerProtocol


class Echo(LinkProtocol):
    @register("echo")
    def echo(self, value):
        return value


class Bench(ServerProtocol):
    def initialize(self):
        self.updateSecret("wslink-secret")
        self.registerLinkProtocol(Echo())


server.start(argv=sys.argv[1:], description="echo", protocol=Bench)
