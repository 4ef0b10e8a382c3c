"""Sends one command and prints the answer. Needs: pip install websockets"""

from websockets.sync.client import connect

with connect("ws://127.0.0.1:40010") as server:
    server.send('{"echo": {"hello": "world"}}')
    print(server.recv())
