// The JavaScript client against a real server: scenario.mjs URL GXML_FILE IMAGE_FILE, on the server's machine.
//
// Prints "ok NAME" for each step, then "ready for restart", and waits for a line; the server is ended before or after that line.
// Prints "calling" when a call is under way after that line, "ok lost" when the end was noticed ("ok lost in flight": by a call),
// and waits for another line: empty, or the URL of the new server. Before Node 22, the package `ws` must be where `require`
// finds it (NODE_PATH).

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import * as jackfield from "../../clients/js/jackfield.js";

const WebSocket = globalThis.WebSocket ?? createRequire(import.meta.url)("ws");
const ok = (step) => console.log(`ok ${step}`);

/** The file with its nominal elements many times: an import of some megabytes. */
function longOne(gxml) {
  const [head, rest] = gxml.split("<nominal>");
  const [nominal, tail] = rest.split("</nominal>");
  return `${head}<nominal>${nominal.repeat(60)}</nominal>${tail}`;
}

async function imports(client, gxml, long) {
  await client.call("elements", { file: gxml, import_mode: "clipboard" });
  ok("import");
  const told = [];
  const onProgress = (progress) => told.push(progress);
  await client.call("elements", { file: long, import_mode: "new_stage" }, { onProgress });
  const done = told.map((progress) => progress.done);
  assert.deepEqual(done, done.toSorted((a, b) => a - b));
  assert.ok(done.length > 1 && done[0] < done.at(-1), JSON.stringify(told));
  assert.ok(told.every((progress) => progress.done <= progress.total), JSON.stringify(told));
  ok("progress");
}

async function images(client, image) {
  const events = client.subscribe("project.**", { timeout: 30_000 });
  await events.ready;
  await client.call("image", { file: image, name: "watched", focal_length: 50 });
  for await (const event of events) {
    if (event.topic === "project.images") break;
  }
  ok("watch");
  const content = new Uint8Array(await readFile(image));
  await client.call("image", { file: content, name: "other", focal_length: 50 });
  const { items } = await client.call("project.list", { kind: "images" });
  const [uploaded, ...more] = items.filter(({ series }) => series === "other");
  assert.equal(more.length, 0);
  assert.deepEqual((await client.call("project.blob", { id: uploaded.id })).blob, content);
  ok("upload");
}

async function failures(client, long) {
  let call;
  const begun = new Promise((resolve) => {
    call = client.call("elements", { file: long, import_mode: "new_stage" }, { onProgress: resolve });
  });
  const cancelled = assert.rejects(call, (error) => error instanceof jackfield.Cancelled && error.code === -32004);
  await begun;
  assert.equal(await call.cancel(), true);
  await cancelled;
  ok("cancel");
  for (const [key, kind] of [["no.such.command", jackfield.UnknownKey], ["image", jackfield.InvalidParams]]) {
    await assert.rejects(client.call(key), (error) => error instanceof kind && error.culprit === "caller");
  }
  ok("errors");
}

async function lost(client, line) {
  console.log("ready for restart");
  await line();
  let told = false;
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(10)) {
    try {
      const call = client.call("jackfield.info", {}, { timeout: 10_000 });
      if (!told) {
        call.catch(() => {});
        // It is sent by then.
        await new Promise(setImmediate);
        console.log("calling");
      }
      told = true;
      await call;
    } catch (error) {
      if (error instanceof jackfield.ShuttingDown) continue;
      // ConnectionLost under a call, NotConnected after it.
      assert.ok(error instanceof jackfield.NotConnected && error.message.includes(client.url), error);
      return ok(error instanceof jackfield.ConnectionLost ? "lost in flight" : "lost");
    }
  }
  assert.fail("the server is still there");
}

const [url, gxml, image] = process.argv.slice(2);
const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();
const line = async () => ((await lines.next()).value ?? "").trim();

const folder = await mkdtemp(join(tmpdir(), "jackfield-"));
try {
  const long = join(folder, "long.gxml");
  await writeFile(long, longOne(await readFile(gxml, "utf8")));
  const client = await jackfield.connect(url, { WebSocket });
  await imports(client, gxml, long);
  await images(client, image);
  await failures(client, long);
  await lost(client, line);
} finally {
  await rm(folder, { recursive: true });
}
const again = await jackfield.connect((await line()) || url, { WebSocket });
assert.equal((await again.call("jackfield.info")).name, "jackfield");
ok("reconnected");
await again.close();
input.close();
