// The npm package rpc-websockets against the server at argv[2]: argv[3] is an image, argv[4] the path for gate.wait.
//
// Prints [STEP, WHAT CAME] a line, in the words of tests/foreign_jsonrpc.rs.

import { once } from "node:events";
import { createRequire } from "node:module";

const { Client } = createRequire(import.meta.url)("rpc-websockets");
const [url, image, gate] = process.argv.slice(2);
const tell = (step, what) => console.log(JSON.stringify([step, what]));
const error = (call) => call.then((result) => ({ result }), (failed) => failed);

const client = new Client(url, { reconnect: false });
await once(client, "open");
tell("by name", await client.call("echo", { n: 1, text: "ä" }));
tell("no params", (await client.call("jackfield.info")).name);
await client.call("image", [image, "left", 50]);
const { items } = await client.call("project.list", ["images", 0, 10]);
tell("by position", items.map(({ series }) => series));
tell("unknown", await error(client.call("no.such.command", [1])));
tell("too many", await error(client.call("project.list", ["images", 0, 10, 1])));
tell("of the plugin", await error(client.call("image", { file: "/no/such/file", name: "left", focal_length: 50 })));

const event = once(client, "jackfield.event");
await client.call("jackfield.subscribe", { topics: ["room.*"] });
await client.notify("jackfield.publish", { topic: "room.1", data: { n: 2 } });
tell("notified", (await event)[0]);

let done = false;
const waits = client.call("gate.wait", [gate]).finally(() => (done = true));
const numbers = [...Array(100).keys()];
const answers = await Promise.all(numbers.map((number) => client.call("echo", [number])));
tell("meanwhile", [numbers.every((number) => answers[number].length === 1 && answers[number][0] === number), done]);
tell("at last", await waits);
client.close();
