import assert from "node:assert/strict";
import { test } from "node:test";
import * as jackfield from "../jackfield.js";
import { served, WebSocket, withClient } from "./scripted.mjs";

const { connect, ConnectionLost, JackfieldError, Malformed, NotConnected, ProtocolError } = jackfield;

const TABLE = {
  Malformed: -32700, InvalidRequest: -32600, UnknownKey: -32601, InvalidParams: -32602, Internal: -32603,
  Unauthenticated: -32001, Forbidden: -32002, Busy: -32003, Cancelled: -32004, Deadline: -32005, TooLarge: -32006,
  PluginFailed: -32010, PluginPanicked: -32011, PluginCrashed: -32012, PluginGone: -32013, OutcomeUnknown: -32014,
  Cycle: -32015, Unavailable: -32016, ShuttingDown: -32017,
};

const failure = (promise) => promise.then(assert.fail, (error) => error);

test("each number has its class", () => {
  const data = { culprit: "plugin", plugin: "image", generation: 3, code: 7, details: { path: "a" } };
  return withClient(
    async (peer) => {
      for (const code of [...Object.values(TABLE), -32099]) peer.fail(await peer.take(), code, `text of ${code}`, data);
    },
    async (client) => {
      for (const [name, code] of Object.entries(TABLE)) {
        const error = await failure(client.call("x"));
        assert.equal(error.constructor, jackfield[name]);
        assert.deepEqual([error.code, error.message], [code, `text of ${code}`]);
        assert.deepEqual([error.culprit, error.plugin], ["plugin", "image"]);
        assert.deepEqual([error.data, error.name.replaceAll("_", "")], [data, name.toUpperCase()]);
      }
      const unknown = await failure(client.call("x"));
      assert.deepEqual([unknown.constructor, unknown.code], [JackfieldError, -32099]);
    },
  );
});

test("what waits ends with the connection, and so does what comes later", () =>
  served(
    async (peer) => {
      peer.answer(await peer.take(), { subscription: 1 });
      peer.tell("jackfield.event", { subscription: 1, topic: "t", data: 1 });
      for (let n = 0; n < 3; n++) await peer.take();
      peer.socket.terminate();
    },
    async (url) => {
      const client = await connect(url, { WebSocket });
      const events = client.subscribe("t");
      assert.equal((await events.get()).data, 1);
      const batch = client.batch([["c", {}]]);
      const waiting = [client.call("a"), client.call("b", {}, { onProgress() {} }), events.get()];
      const [a, b, event] = await Promise.all(waiting.map(failure));
      for (const error of [a, b, event, (await batch)[0].reason]) {
        assert.equal(error.constructor, ConnectionLost);
        assert.ok(error.message.includes(url), error.message);
      }
      assert.match(a.message, /with 'a' in flight: its outcome is unknown/);
      const later = [client.call("d"), client.notify("d"), client.subscribe("t").get()];
      const [{ reason }] = await client.batch([["d"]]);
      for (const error of [reason, ...(await Promise.all(later.map(failure)))]) {
        assert.equal(error.constructor, NotConnected);
        assert.match(error.message, /connect again/);
      }
      await events.close();
      await client.close();
      await client.close();
    },
  ));

test("closed by either side", () =>
  served(
    async (peer) => {
      if ((await peer.take()).method === "a") peer.socket.close(1001, "stopping");
    },
    async (url) => {
      let client = await connect(url, { WebSocket });
      await assert.rejects(client.call("a"), /1001: stopping/);
      client = await connect(url, { WebSocket });
      const ended = assert.rejects(client.call("b"), /closed by this client/);
      await client.close();
      await ended;
    },
  ));

test("no server, and no WebSocket", async () => {
  let gone;
  await served(async () => {}, async (url) => (gone = url));
  for (const url of [gone, "nonsense"]) {
    const error = await failure(connect(url, { WebSocket }));
    assert.equal(error.constructor, NotConnected);
    assert.ok(error.message.includes(url), error.message);
  }
  await assert.rejects(connect(gone, { WebSocket: null }), /package ws/);
});

test("malformed answers fail their call and no other", () => {
  const wrong = [
    {}, { result: 1, error: { code: 1, message: "" } }, { error: 5 }, { error: { code: "1", message: "" } },
    { error: { code: 1 } }, { result: 1, attachments: -1 }, { result: 1, attachments: "2" }, { result: 1, attachments: [1] },
    { result: 1, attachments: [{ $base64: "YQ==" }, { $base64: "?" }] }, { result: 1, attachments: 1 },
  ];
  // Answers to ids that nobody knows, unknown notifications and events, and params that are none.
  const ignored = [
    { id: 12345, result: 1 }, { id: "1", result: 1 }, { id: [1], result: 1 },
    { method: "new", params: 1 }, { method: "jackfield.event" }, { method: ["x"], params: {} },
  ];
  return withClient(
    async (peer) => {
      const other = await peer.take();
      for (const answer of wrong) {
        const { id } = await peer.take();
        peer.send({ jsonrpc: "2.0", id, ...answer }, ...ignored);
      }
      peer.answer(other, "Ok");
    },
    async (client) => {
      const other = client.call("other");
      for (const _ of wrong) assert.equal((await failure(client.call("x"))).constructor, ProtocolError);
      assert.equal(await other, "Ok");
    },
  );
});

test("a message that belongs to nobody fails all who wait", async () => {
  const wrong = ["{", "[".repeat(100_000), "5", '"x"', "[5]", "{}", Buffer.from("binary"), '{"id": null}'];
  const refusal = { jsonrpc: "2.0", id: null, error: { code: -32700, message: "Malformed JSON message." } };
  const warnings = [];
  await withClient(
    async (peer) => {
      for (const message of [...wrong, refusal]) {
        await peer.take();
        await peer.take();
        peer.send(message);
      }
      peer.answer(await peer.take(), "Ok");
    },
    async (client) => {
      for (const kind of [...wrong.map(() => ProtocolError), Malformed]) {
        for (const error of await Promise.all([client.call("a"), client.call("b")].map(failure))) {
          assert.equal(error.constructor, kind);
        }
      }
      assert.equal(await client.call("c"), "Ok");
    },
    { onWarning: (text) => warnings.push(text) },
  );
  assert.equal(warnings.length, wrong.length + 1);
});
