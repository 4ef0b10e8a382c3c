// The npm packages json-rpc-2.0 and ws against the server at argv[2]: argv[3] is an image, argv[4] the path for gate.wait.
//
// Prints [STEP, WHAT CAME] a line, in the words of tests/foreign_jsonrpc.rs.

import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient, createJSONRPCNotification, createJSONRPCRequest } =
  require("json-rpc-2.0");
const WebSocket = require("ws");
const [url, image, gate] = process.argv.slice(2);
const tell = (step, what) => console.log(JSON.stringify([step, what]));
const plain = ({ code, message, data }) => ({ code, message, data });
const error = (call) => call.then((result) => ({ result }), plain);

const socket = new WebSocket(url);
await once(socket, "open");
const send = async (message) => socket.send(JSON.stringify(message));
const client = new JSONRPCServerAndClient(new JSONRPCServer(), new JSONRPCClient(send));
socket.on("message", (text) => client.receiveAndSend(JSON.parse(text)));

tell("by name", await client.request("echo", { n: 1, text: "ä" }));
tell("no params", (await client.request("jackfield.info")).name);
await client.request("image", [image, "left", 50]);
const { items } = await client.request("project.list", ["images", 0, 10]);
tell("by position", items.map(({ series }) => series));
tell("unknown", await error(client.request("no.such.command", [1])));
tell("too many", await error(client.request("project.list", ["images", 0, 10, 1])));
tell("of the plugin", await error(client.request("image", { file: "/no/such/file", name: "left", focal_length: 50 })));

const event = new Promise((resolve) => client.addMethod("jackfield.event", resolve));
await client.request("jackfield.subscribe", { topics: ["room.*"] });
client.notify("jackfield.publish", { topic: "room.1", data: { n: 2 } });
tell("notified", await event);

let done = false;
const waits = client.request("gate.wait", [gate]).finally(() => (done = true));
const numbers = [...Array(100).keys()];
const answers = await Promise.all(numbers.map((number) => client.request("echo", [number])));
tell("meanwhile", [numbers.every((number) => answers[number].length === 1 && answers[number][0] === number), done]);
tell("at last", await waits);

// Ids that are texts, where the library itself counts.
const batch = await client.requestAdvanced([
  createJSONRPCRequest("b1", "echo", { n: 3 }),
  createJSONRPCNotification("echo", { n: 4 }),
  createJSONRPCRequest("b2", "no.such.command", [1]),
  createJSONRPCRequest("b3", "project.list", ["images", 0, 0]),
]);
tell("batch", batch.map(({ result, error }) => result ?? error));
socket.close();
