import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Attachment, Cancelled, Timeout, UnknownKey } from "../jackfield.js";
import { withClient } from "./scripted.mjs";

test("params as an object, a list, and none; answers in any order", () =>
  withClient(
    async (peer) => {
      const requests = [await peer.take(), await peer.take(), await peer.take()];
      for (const request of requests.reverse()) peer.answer(request, [request.jsonrpc, request.method, request.params]);
    },
    async (client) => {
      const answers = [client.call("a", { n: 1 }), client.call("b.c", ["\u00fc\\ud800", null]), client.call("d")];
      assert.deepEqual(await Promise.all(answers), [
        ["2.0", "a", { n: 1 }],
        ["2.0", "b.c", ["\u00fc\\ud800", null]],
        ["2.0", "d", {}],
      ]);
      await assert.rejects(client.call("e", { text: "\ud800" }), TypeError);
      await assert.rejects(client.call("e", { n: 1n }), TypeError);
    },
  ));

test("params that are neither by name nor by position are not sent", () =>
  withClient(
    async (peer) => {
      for (let n = 0; n < 2; n++) {
        const request = await peer.take();
        peer.answer(request, [request.method, request.params]);
      }
    },
    async (client) => {
      for (const wrong of [5, 0, NaN, false, "text", new Date(0), () => {}]) {
        const refused = { name: "TypeError", message: /'echo' are an object .* an array .* undefined, not / };
        await assert.rejects(client.call("echo", wrong), refused);
        await assert.rejects(client.notify("echo", wrong), refused);
        const [{ reason }] = await client.batch([["echo", wrong]]);
        assert.ok(reason instanceof TypeError);
      }
      for (const none of [undefined, null]) assert.deepEqual(await client.call("none", none), ["none", {}]);
    },
  ));

test("progress is told to its call", async () => {
  const told = [];
  await withClient(
    async (peer) => {
      const [request, other] = [await peer.take(), await peer.take()];
      assert.equal("progress" in other, false);
      const progress = request.progress;
      peer.tell("jackfield.progress", { progress, done: 1, total: 0, text: "begun" });
      for (const wrong of ["p999", `p${other.id}`, "x", "", 7, null, [progress]]) {
        peer.tell("jackfield.progress", { progress: wrong, done: 5, total: 5, text: "not mine" });
      }
      peer.tell("jackfield.progress", { progress, done: 2, total: 2, text: "ended" });
      peer.answer(request, "Ok");
      peer.answer(other, "Ok");
    },
    async (client) => {
      await Promise.all([client.call("long", {}, { onProgress: (progress) => told.push(progress) }), client.call("other")]);
    },
  );
  assert.deepEqual(told, [
    { done: 1, total: 0, text: "begun" },
    { done: 2, total: 2, text: "ended" },
  ]);
});

test("cancel() asks the server, and its word counts", () =>
  withClient(
    async (peer) => {
      for (const late of [false, true]) {
        const [request, cancel] = [await peer.take(), await peer.take()];
        assert.deepEqual([cancel.method, cancel.params], ["jackfield.cancel", { id: request.id }]);
        peer.answer(cancel, { cancelled: !late });
        if (late) peer.answer(request, "Ok");
        else peer.fail(request, -32004);
      }
    },
    async (client) => {
      const call = client.call("long");
      const ended = assert.rejects(call, Cancelled);
      assert.equal(await call.cancel(), true);
      await ended;
      assert.equal(await call.cancel(), false);
      const late = client.call("long");
      assert.equal(await late.cancel(), false);
      assert.equal(await late, "Ok");
    },
  ));

test("who no longer waits cancels on the server", async () => {
  const seen = [];
  await withClient(
    async (peer) => {
      for (let n = 0; n < 3; n++) {
        const request = await peer.take();
        if (request.progress) peer.tell("jackfield.progress", { progress: request.progress });
        const cancel = await peer.take();
        seen.push(cancel.method, cancel.params.id === request.id);
        peer.answer(cancel, { cancelled: true });
        peer.fail(request, -32004);
      }
      peer.answer(await peer.take(), "still there");
    },
    async (client) => {
      const controller = new AbortController();
      const aborted = assert.rejects(client.call("long", {}, { signal: controller.signal }), { name: "AbortError" });
      await sleep(20);
      controller.abort();
      await aborted;
      await assert.rejects(client.call("never sent", {}, { signal: controller.signal }), { name: "AbortError" });
      await assert.rejects(client.call("long", {}, { timeout: 20 }), new Timeout("no answer to 'long' within 20 ms"));
      const onProgress = () => {
        throw new RangeError("enough");
      };
      await assert.rejects(client.call("long", {}, { onProgress }), RangeError);
      assert.equal(await client.call("echo"), "still there");
    },
  );
  assert.deepEqual(seen, Array(3).fill(["jackfield.cancel", true]).flat());
});

test("a batch", () =>
  withClient(
    async (peer) => {
      const [a, b, c] = await peer.take();
      assert.deepEqual([a.method, a.params, b.method, b.params, c.params], ["a", { n: 1 }, "b", {}, []]);
      // In a batch attachments stand in the text; were they behind it, then in the order of the answers.
      const answers = [
        { jsonrpc: "2.0", id: c.id, result: { $attachment: 0 }, attachments: 1 },
        { jsonrpc: "2.0", id: b.id, error: { code: -32601, message: "no 'b'" } },
        { jsonrpc: "2.0", id: a.id, result: [{ $attachment: 1 }], attachments: [{ $base64: "YTA=" }, { $base64: "YTE=" }] },
      ];
      peer.send(answers, Buffer.from("c0"));
    },
    async (client) => {
      const [a, b, c] = await client.batch([["a", { n: 1 }], ["b"], ["c", []]]);
      assert.deepEqual([String.fromCharCode(...a.value[0]), String.fromCharCode(...c.value)], ["a1", "c0"]);
      assert.ok(b.reason instanceof UnknownKey);
      assert.deepEqual(await client.batch([]), []);
      const [refused] = await client.batch([["a", [new Uint8Array(1)]]]);
      assert.ok(refused.reason instanceof TypeError);
    },
  ));

test("a large batch goes in several messages", async () => {
  const sizes = [];
  await withClient(
    async (peer) => {
      const batches = [await peer.take(), await peer.take(), await peer.take()];
      for (const requests of batches.reverse()) {
        sizes.unshift(requests.length);
        peer.send([...requests].reverse().map(({ id, params }) => ({ jsonrpc: "2.0", id, result: params.n })));
      }
      peer.answer(await peer.take(), "next");
    },
    async (client) => {
      const numbers = Array.from({ length: 150 }, (_, n) => n);
      const settled = await client.batch(numbers.map((n) => ["echo", { n }]));
      assert.deepEqual(settled, numbers.map((value) => ({ status: "fulfilled", value })));
      assert.equal(await client.call("next"), "next");
    },
  );
  assert.deepEqual(sizes, [64, 64, 22]);
});

test("notifications have no id", () =>
  withClient(
    async (peer) => {
      const note = await peer.take();
      assert.deepEqual([note.method, note.params, "id" in note], ["log", { text: "a" }, false]);
      const request = await peer.take();
      assert.deepEqual([request.method, request.params], ["jackfield.publish", { topic: "t", data: [1] }]);
      peer.answer(request, null);
    },
    async (client) => {
      await client.notify("log", { text: "a" });
      await client.publish("t", [1]);
    },
  ));

test("binary values in params are sent beside them", () =>
  withClient(
    async (peer) => {
      const request = await peer.take();
      const list = [1, 2, 3, 4].map(($attachment) => ({ $attachment }));
      assert.deepEqual(request.params, { list, file: { $attachment: 5 } });
      assert.deepEqual(request.blobs.map(String), ["given", "view", "buffer", "node", "blob", "png"]);
      const blob = { content_type: "text/plain" };
      assert.deepEqual(request.attachment_info, [{}, {}, {}, {}, blob, { name: "a.png", content_type: "image/png" }]);
      peer.answer(request, "Ok");
      const plain = await peer.take();
      assert.deepEqual([plain.blobs.map(String), "attachment_info" in plain], [["plain"], false]);
      peer.answer(plain, "Ok");
    },
    async (client) => {
      const bytes = (text) => new TextEncoder().encode(text);
      const view = bytes("a view").subarray(2);
      const blob = new Blob(["blob"], { type: "text/plain" });
      const file = new Attachment(bytes("png"), { name: "a.png", contentType: "image/png" });
      const params = { list: [view, bytes("buffer").buffer, Buffer.from("node"), blob], file };
      await client.call("x", params, { attachments: [bytes("given")] });
      await client.call("y", [bytes("plain")]);
    },
  ));

test("what a Blob has is read first, and not sent when nobody waits any more", async () => {
  class Slow extends Blob {
    async arrayBuffer() {
      await sleep(30);
      return super.arrayBuffer();
    }
  }
  const seen = [];
  await withClient(
    async (peer) => {
      for (let n = 0; n < 4; n++) {
        const request = await peer.take();
        seen.push([request.method, ...request.blobs.map(String)]);
        if (request.id) peer.answer(request, "Ok");
      }
    },
    async (client) => {
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const aborted = assert.rejects(client.call("aborted", [new Slow(["a"])], options), { name: "AbortError" });
      const slow = client.call("slow", [new Uint8Array([120]), new Slow(["b"])]);
      await client.call("quick", [new Uint8Array([121])]);
      controller.abort();
      await aborted;
      await slow;
      await client.call("last");
    },
  );
  assert.deepEqual(seen, [["quick", "y"], ["jackfield.cancel"], ["slow", "x", "b"], ["last"]]);
});

test("results have attachments at their places", () => {
  const rest = [{ $attachment: 2 }, { $attachment: "0" }, { $attachment: 0, more: 1 }, null];
  const attachment_info = [{ name: "a.jpg", content_type: "image/jpeg" }, null];
  return withClient(
    async (peer) => {
      peer.answer(await peer.take(), { blob: { $attachment: 0 }, rest }, ["one", "two"], { attachment_info });
      peer.answer(await peer.take(), { $attachment: 0 });
      peer.answer(await peer.take(), { $attachment: 0 }, [""]);
    },
    async (client) => {
      const call = client.call("project.blob");
      assert.deepEqual(await call, { blob: new TextEncoder().encode("one"), rest });
      assert.deepEqual(call.attachments.map(({ data }) => String.fromCharCode(...data)), ["one", "two"]);
      const described = call.attachments.map(({ name, contentType }) => [name, contentType]);
      assert.deepEqual(described, [["a.jpg", "image/jpeg"], [undefined, undefined]]);
      assert.deepEqual(await client.call("echo"), { $attachment: 0 });
      assert.deepEqual(await client.call("empty"), new Uint8Array());
    },
  );
});
