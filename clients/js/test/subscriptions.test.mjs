import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Forbidden, SubscriptionClosed, Timeout } from "../jackfield.js";
import { withClient } from "./scripted.mjs";

test("events until it is left", () =>
  withClient(
    async (peer) => {
      for (const subscription of [7, 8]) {
        const request = await peer.take();
        const params = { topics: ["project.**", "x"], last: true, when_full: "drop", where: { series: "other" } };
        assert.deepEqual([request.method, request.params], ["jackfield.subscribe", params]);
        peer.answer(request, { subscription });
        peer.tell("jackfield.event", { subscription, topic: "project.images", data: { n: 1 } });
        peer.tell("jackfield.event", { subscription: 99, topic: "foreign", data: 0 });
        peer.tell("jackfield.event", { subscription, topic: "x", data: null, dropped: 3 });
        const leave = await peer.take();
        assert.deepEqual([leave.method, leave.params], ["jackfield.unsubscribe", { subscription }]);
        peer.tell("jackfield.event", { subscription, topic: "x", data: "too late" });
        peer.answer(leave, { unsubscribed: true });
      }
    },
    async (client) => {
      const subscribe = () => client.subscribe(["project.**", "x"], { last: true, where: { series: "other" } });
      const expected = [
        { topic: "project.images", data: { n: 1 }, dropped: 0 },
        { topic: "x", data: null, dropped: 3 },
      ];
      const seen = [];
      for await (const event of subscribe()) {
        seen.push(event);
        if (seen.length === 2) break;
      }
      assert.deepEqual(seen, expected);
      const events = subscribe();
      assert.deepEqual([await events.get(), await events.get()], expected);
      await assert.rejects(events.get({ timeout: 20 }), Timeout);
      const next = events.next();
      await events.close();
      assert.equal((await next).done, true);
      for await (const event of events) assert.fail(event);
      await assert.rejects(events.get(), SubscriptionClosed);
    },
  ));

test("closed while it is being opened", () =>
  withClient(
    async (peer) => {
      const request = await peer.take();
      await sleep(50);
      peer.answer(request, { subscription: 4 });
      peer.tell("jackfield.event", { subscription: 4, topic: "t", data: 0 });
      const leave = await peer.take();
      assert.deepEqual([leave.method, leave.params], ["jackfield.unsubscribe", { subscription: 4 }]);
      await sleep(20);
      peer.answer(leave, { unsubscribed: true });
    },
    async (client) => {
      const events = client.subscribe("t");
      const first = assert.rejects(events.get(), SubscriptionClosed);
      await events.close();
      await first;
    },
  ));

test("a full queue drops the oldest and counts", () =>
  withClient(
    async (peer) => {
      peer.answer(await peer.take(), { subscription: 1 });
      for (let data = 0; data < 10; data++) {
        const dropped = data === 2 ? { dropped: 5 } : {};
        peer.tell("jackfield.event", { subscription: 1, topic: "t", data, ...dropped });
      }
      peer.answer(await peer.take(), "all sent");
    },
    async (client) => {
      const events = client.subscribe("t", { queue: 3 });
      await client.call("sync");
      const seen = [await events.get(), await events.get(), await events.get()];
      assert.deepEqual(seen.map(({ data, dropped }) => [data, dropped]), [[7, 12], [8, 0], [9, 0]]);
    },
  ));

test("who chose close is closed by either side", () =>
  withClient(
    async (peer) => {
      peer.answer(await peer.take(), { subscription: 1 });
      for (let data = 0; data < 5; data++) peer.tell("jackfield.event", { subscription: 1, topic: "t", data });
      const leave = await peer.take();
      assert.deepEqual([leave.method, leave.params], ["jackfield.unsubscribe", { subscription: 1 }]);
      peer.answer(leave, { unsubscribed: true });
      const request = await peer.take();
      assert.equal(request.params.when_full, "close");
      peer.answer(request, { subscription: 2 });
      peer.tell("jackfield.event", { subscription: 2, topic: "t", data: 0 });
      peer.tell("jackfield.event", { subscription: 2, closed: true, reason: "1024 events waited" });
    },
    async (client) => {
      const read = async (options) => {
        const seen = [];
        try {
          for await (const { data } of client.subscribe("t", { whenFull: "close", ...options })) {
            seen.push(data);
            await sleep(20);
          }
        } catch (error) {
          assert.ok(error instanceof SubscriptionClosed);
          return [...seen, error.message];
        }
      };
      assert.deepEqual((await read({ queue: 3 })).at(-1), "3 events waited to be read");
      assert.deepEqual(await read({}), [0, "1024 events waited"]);
    },
  ));

test("a refusal is told", () =>
  withClient(
    async (peer) => peer.fail(await peer.take(), -32002, "not for you"),
    async (client) => {
      const events = client.subscribe("secret");
      await assert.rejects(events.ready, Forbidden);
      await assert.rejects(events.next(), Forbidden);
      await events.close();
    },
  ));
