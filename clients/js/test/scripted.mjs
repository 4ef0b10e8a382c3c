// A server that does what a test says. `ws` is found as `require` finds it, by NODE_PATH too.

import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "../jackfield.js";

export const { WebSocket, WebSocketServer } = createRequire(import.meta.url)("ws");

/** The server's end of one connection. */
class Peer {
  #messages = [];
  #wake = () => {};

  constructor(socket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => {
      this.#messages.push(isBinary ? data : JSON.parse(data));
      this.#wake();
    });
  }

  async #message() {
    while (!this.#messages.length) await new Promise((resolve) => (this.#wake = resolve));
    return this.#messages.shift();
  }

  /** The next request, with its binary messages as `blobs`. */
  async take() {
    const request = await this.#message();
    request.blobs = [];
    while (request.blobs.length < (request.attachments ?? 0)) request.blobs.push(await this.#message());
    return request;
  }

  send(...messages) {
    for (const message of messages) {
      this.socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
    }
  }

  answer({ id }, result, blobs = [], members = {}) {
    if (blobs.length) members.attachments = blobs.length;
    this.send({ jsonrpc: "2.0", id, result, ...members }, ...blobs.map((blob) => Buffer.from(blob)));
  }

  fail({ id }, code, message = "no", data = undefined) {
    this.send({ jsonrpc: "2.0", id, error: { code, message, data } });
  }

  tell(method, params) {
    this.send({ jsonrpc: "2.0", method, params });
  }
}

/** Runs `use(url)` with a server that runs `script(peer)` for each connection; what fails in that is told. */
export async function served(script, use) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const failed = new Promise((_, reject) => {
    server.on("connection", (socket) => script(new Peer(socket)).catch(reject));
  });
  failed.catch(() => {});
  try {
    await Promise.race([failed, use(`ws://127.0.0.1:${server.address().port}/`)]);
  } finally {
    server.clients.forEach((socket) => socket.terminate());
    server.close();
  }
}

/** As served(), with a client. */
export const withClient = (script, use, options = {}) =>
  served(script, async (url) => {
    const client = await connect(url, { WebSocket, ...options });
    await use(client);
    await client.close();
  });
