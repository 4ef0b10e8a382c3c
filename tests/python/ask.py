"""A client: ask.py URL. Sends each line of stdin, and prints each message that comes as a line."""

import sys
import threading

from websockets.sync.client import connect

with connect(sys.argv[1]) as server:

    def receive():
        for message in server:
            print(message.replace("\n", " "), flush=True)

    threading.Thread(target=receive, daemon=True).start()
    for line in sys.stdin:
        server.send(line.strip())
