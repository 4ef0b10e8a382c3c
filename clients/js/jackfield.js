// Client of Jackfield: commands over a WebSocket, with progress, attachments, cancelling and events.
//
//     const client = await connect();
//     console.log(await client.call("echo", { n: 1 }));
//
// What each name takes and gives is said in jackfield.d.ts.

/** Base of all errors here, and what an error with an unknown number becomes. */
export class JackfieldError extends Error {
  constructor(message, data, options) {
    super(message, options);
    this.data = isObject(data) ? data : {};
    this.culprit = this.data.culprit;
    this.plugin = this.data.plugin;
  }
}
Object.assign(JackfieldError.prototype, { name: "ERROR", code: null });

const byCode = new Map();

/** A class of errors; its stable name is that of the class in the server's spelling. */
function kind(name, code = null, Base = JackfieldError) {
  const Kind = { [name]: class extends Base {} }[name];
  Object.assign(Kind.prototype, { name: name.replace(/(?<!^)[A-Z]/g, "_$&").toUpperCase(), code });
  if (code !== null) byCode.set(code, Kind);
  return Kind;
}

export const Malformed = kind("Malformed", -32700);
export const InvalidRequest = kind("InvalidRequest", -32600);
export const UnknownKey = kind("UnknownKey", -32601);
export const InvalidParams = kind("InvalidParams", -32602);
export const Internal = kind("Internal", -32603);
export const Unauthenticated = kind("Unauthenticated", -32001);
export const Forbidden = kind("Forbidden", -32002);
export const Busy = kind("Busy", -32003);
export const Cancelled = kind("Cancelled", -32004);
export const Deadline = kind("Deadline", -32005);
export const TooLarge = kind("TooLarge", -32006);
export const PluginFailed = kind("PluginFailed", -32010);
export const PluginPanicked = kind("PluginPanicked", -32011);
export const PluginCrashed = kind("PluginCrashed", -32012);
export const PluginGone = kind("PluginGone", -32013);
export const OutcomeUnknown = kind("OutcomeUnknown", -32014);
export const Cycle = kind("Cycle", -32015);
export const Unavailable = kind("Unavailable", -32016);
export const ShuttingDown = kind("ShuttingDown", -32017);
// On this side of the wire.
export const NotConnected = kind("NotConnected");
export const ConnectionLost = kind("ConnectionLost", null, NotConnected);
export const Timeout = kind("Timeout");
export const SubscriptionClosed = kind("SubscriptionClosed");
export const ProtocolError = kind("ProtocolError");

function fromWire(error) {
  if (!isObject(error) || !Number.isInteger(error.code) || typeof error.message !== "string") {
    return new ProtocolError(`an error without code and message: ${excerpt(error)}`);
  }
  const failure = new (byCode.get(error.code) ?? JackfieldError)(error.message, error.data);
  failure.code = error.code;
  return failure;
}

/** Binary data with a description. */
export class Attachment {
  constructor(data, { name, contentType } = {}) {
    Object.assign(this, { data, name: name ?? data.name, contentType: contentType ?? (data.type || undefined) });
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isBlob = (value) => typeof Blob !== "undefined" && value instanceof Blob;
const isBinary = (value) =>
  value instanceof ArrayBuffer || ArrayBuffer.isView(value) || isBlob(value) || value instanceof Attachment;
const excerpt = (value) => String(typeof value === "string" ? value : JSON.stringify(value)).slice(0, 200);

// Well below what servers take in one batch (limits.batch, 256 unless configured): their error for a larger one has no id, so
// that it ends all calls in flight.
const BATCH = 64;

/** A request as its text and the binary messages that must follow at once. */
function encode(method, params, members = {}, given = []) {
  const blobs = [...given];
  const body = JSON.stringify(params ?? {}, function (key, value) {
    // Not `value`: a Buffer of Node would have turned into JSON by now.
    return isBinary(this[key]) ? { $attachment: blobs.push(this[key]) - 1 } : value;
  });
  if (!/^[{[]/.test(body)) {
    throw new TypeError(`params of '${method}' are an object (by name), an array (by position) or undefined, not ${excerpt(body)}`);
  }
  const head = { jsonrpc: "2.0", ...members, method };
  const attachments = blobs.map((blob) => (blob instanceof Attachment ? blob : new Attachment(blob)));
  if (blobs.length) head.attachments = blobs.length;
  if (attachments.some(({ name, contentType }) => name || contentType)) {
    head.attachment_info = attachments.map(({ name, contentType }) => ({ name, content_type: contentType }));
  }
  const text = `${JSON.stringify(head).slice(0, -1)},"params":${body}}`;
  // The server could not tell whose request that is.
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) throw new TypeError(`'${method}' with a lone surrogate`);
  return { text, blobs: attachments.map(({ data }) => data) };
}

/** `value` with each {"$attachment": INDEX} replaced by the bytes of that attachment; others stay as they are. */
function place(value, attachments) {
  if (!attachments.length || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => place(item, attachments));
  const entries = Object.entries(value);
  const data = entries.length === 1 && Number.isInteger(value.$attachment) && attachments[value.$attachment]?.data;
  return data || Object.fromEntries(entries.map(([key, item]) => [key, place(item, attachments)]));
}

/** Puts texts together with the binary messages that they announce. */
class Assembler {
  #open = [];

  /** What is complete with this message. Throws a ProtocolError for a message that belongs to nothing. */
  *feed(message) {
    if (typeof message === "string") {
      for (const cut of this.#open.splice(0)) {
        cut.problem = `${cut.wanted} attachments announced, ${cut.attachments.length} sent`;
        yield cut;
      }
      this.#open = this.#parse(message);
    } else if (this.#open.length) {
      this.#attach(this.#open[0], new Uint8Array(message));
    } else {
      throw new ProtocolError(`a binary message of ${message.byteLength} bytes that no text announced`);
    }
    while (this.#open.length && this.#open[0].attachments.length === this.#open[0].wanted) yield this.#open.shift();
  }

  #parse(message) {
    let content;
    try {
      content = JSON.parse(message);
    } catch (error) {
      throw new ProtocolError(`no JSON (${error.message}): ${excerpt(message)}`);
    }
    return [content].flat().map((envelope) => {
      if (!isObject(envelope) || !("method" in envelope || "id" in envelope)) {
        throw new ProtocolError(`neither answer nor notification: ${excerpt(envelope)}`);
      }
      const announced = envelope.attachments ?? 0;
      const incoming = { envelope, wanted: 0, attachments: [], problem: null };
      try {
        // A list: they stand here, as in a batch, and do not follow.
        const inside = Array.isArray(announced) ? announced : [];
        inside.forEach(({ $base64 }) => this.#attach(incoming, Uint8Array.from(atob($base64), (c) => c.charCodeAt(0))));
        incoming.wanted = Array.isArray(announced) ? inside.length : announced;
        if (!Number.isInteger(incoming.wanted) || incoming.wanted < 0) throw new RangeError();
      } catch {
        const problem = `attachments is ${excerpt(announced)}, neither a count nor a list of $base64`;
        return { envelope, wanted: 0, attachments: [], problem };
      }
      return incoming;
    });
  }

  #attach({ envelope, attachments }, data) {
    const info = envelope.attachment_info?.[attachments.length];
    attachments.push(new Attachment(data, { name: info?.name, contentType: info?.content_type }));
  }
}

/** One command in flight, on this side of its promise. */
class Pending {
  ended = false;
  attachments = [];
  #release = [];

  constructor(client, id, key, { signal, onProgress, timeout } = {}) {
    Object.assign(this, { client, id, key, onProgress });
    this.promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    const abort = () => this.fail(signal.reason);
    signal?.addEventListener("abort", abort);
    this.#release.push(() => signal?.removeEventListener("abort", abort));
    if (timeout != null) {
      const timer = setTimeout(() => this.fail(new Timeout(`no answer to '${key}' within ${timeout} ms`)), timeout);
      this.#release.push(() => clearTimeout(timer));
    }
  }

  /** `settled`: the server no longer works on it, so that there is nothing to cancel. */
  fail(error, settled = false) {
    if (this.#end(settled)) this.reject(error);
  }

  answer({ envelope, attachments, problem }) {
    if ("result" in envelope === "error" in envelope) problem ??= "neither result nor error, or both";
    if (problem) return this.fail(new ProtocolError(`the answer to '${this.key}': ${problem}`), true);
    if ("error" in envelope) return this.fail(fromWire(envelope.error), true);
    const result = place(envelope.result, attachments);
    this.attachments.push(...attachments);
    if (this.#end(true)) this.resolve(result);
  }

  tell({ done = 0, total = 0, text = "" }) {
    try {
      this.onProgress?.({ done, total, text });
    } catch (error) {
      this.fail(error); // The caller's own: it ends the call.
    }
  }

  #end(settled) {
    if (this.ended) return false;
    this.#release.forEach((release) => release());
    this.client._ended(this.id, settled);
    return (this.ended = true);
  }
}

/** Events in a bounded queue. An iterator: break or return() ends it. */
export class Subscription {
  #client;
  #params;
  #limit;
  #timeout;
  #queue = [];
  #missed = 0;
  #waiting = new Set();
  #end = null;
  #left = false;

  constructor(client, params, queue, timeout) {
    this.#client = client;
    this.#params = params;
    this.#limit = Math.max(queue, 1);
    this.#timeout = timeout;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async get({ timeout = this.#timeout } = {}) {
    await this.ready;
    const until = timeout == null ? Infinity : Date.now() + timeout;
    while (!this.#queue.length) {
      if (this.#end) throw this.#end;
      const left = until - Date.now();
      if (left <= 0) throw new Timeout(`no event of ${this.#params.topics} within ${timeout} ms`);
      await this.#news(left);
    }
    const event = this.#queue.shift();
    event.dropped += this.#missed;
    this.#missed = 0;
    return event;
  }

  async next() {
    try {
      return { value: await this.get(), done: false };
    } catch (error) {
      if (this.#left) return { value: undefined, done: true };
      throw error;
    }
  }

  async return() {
    await this.close();
    return { value: undefined, done: true };
  }

  async close() {
    this.#left = true;
    this.#queue = [];
    this._finish(new SubscriptionClosed("closed by this client"));
    await this.ready.then(() => this.#client._unsubscribe(this), () => {});
  }

  _put(event) {
    if (this.#end) return;
    if (this.#queue.length === this.#limit) {
      if (this.#params.when_full === "close") {
        this._finish(new SubscriptionClosed(`${this.#limit} events waited to be read`));
        this.#client._unsubscribe(this);
        return;
      }
      this.#missed += 1 + this.#queue.shift().dropped;
    }
    this.#queue.push(event);
    this.#wake();
  }

  _finish(error) {
    this.#end ??= error;
    this.#wake();
  }

  async #news(milliseconds) {
    let timer;
    await new Promise((resolve) => {
      this.#waiting.add(resolve);
      if (milliseconds !== Infinity) timer = setTimeout(() => this.#waiting.delete(resolve) && resolve(), milliseconds);
    });
    clearTimeout(timer);
  }

  #wake() {
    this.#waiting.forEach((resolve) => resolve());
    this.#waiting.clear();
  }
}

/** One connection. Made by connect(). */
export class Client {
  #socket;
  #closed;
  #over = null;
  #ids = 0;
  #calls = new Map();
  #subscriptions = new Map();
  #assembler = new Assembler();
  #onWarning;

  constructor(url, socket, onWarning) {
    this.url = url;
    this.#socket = socket;
    this.#onWarning = onWarning;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = () => {}; // What follows says it: the close.
    this.#closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => resolve(this.#end(`close code ${code}${reason ? `: ${reason}` : ""}`));
    });
  }

  call(key, params, options = {}) {
    const call = new Pending(this, ++this.#ids, key, options);
    const members = options.onProgress ? { id: call.id, progress: `p${call.id}` } : { id: call.id };
    this.#begin([call], options.signal, () => encode(key, params, members, options.attachments));
    return Object.assign(call.promise, {
      id: call.id,
      attachments: call.attachments,
      cancel: async () => !call.ended && Boolean((await this.call("jackfield.cancel", { id: call.id }))?.cancelled),
    });
  }

  batch(requests, options = {}) {
    const calls = requests.map(([key]) => new Pending(this, ++this.#ids, key, options));
    if (calls.length) {
      this.#begin(calls, options.signal, () => {
        const parts = requests.map(([key, params], at) => encode(key, params, { id: calls[at].id }));
        if (parts.some(({ blobs }) => blobs.length)) throw new TypeError("attachments cannot go in a batch");
        const texts = [];
        while (parts.length) texts.push(`[${parts.splice(0, BATCH).map(({ text }) => text)}]`);
        return { text: texts.shift(), blobs: texts }; // What follows goes as it is: here further texts.
      });
    }
    return Promise.allSettled(calls.map(({ promise }) => promise));
  }

  async notify(key, params, { attachments } = {}) {
    this.#check();
    await this.#send(encode(key, params, {}, attachments));
  }

  async publish(topic, data) {
    await this.call("jackfield.publish", { topic, data });
  }

  subscribe(topics, { last = false, whenFull = "drop", where, queue = 1024, timeout } = {}) {
    const params = { topics: [topics].flat(), last, when_full: whenFull, where };
    const subscription = new Subscription(this, params, queue, timeout);
    const call = new Pending(this, ++this.#ids, "jackfield.subscribe");
    call.subscription = subscription;
    this.#begin([call], undefined, () => encode(call.key, params, { id: call.id }));
    subscription.ready = call.promise.then(() => {});
    subscription.ready.catch(() => {}); // It is told where events are asked for.
    return subscription;
  }

  async close() {
    this.#end("closed by this client");
    this.#socket.close(1000);
    await this.#closed;
  }

  _ended(id, settled) {
    this.#calls.delete(id);
    // An answer to this is not waited for: it comes to an id that nobody knows.
    if (!settled && !this.#over) this.#send(encode("jackfield.cancel", { id }, { id: ++this.#ids }));
  }

  async _unsubscribe(subscription) {
    const number = [...this.#subscriptions].find(([, known]) => known === subscription)?.[0];
    if (this.#subscriptions.delete(number) && !this.#over) {
      await this.call("jackfield.unsubscribe", { subscription: number }).catch(() => {});
    }
  }

  #check() {
    if (this.#over) throw new NotConnected(`not connected to ${this.url} (${this.#over}): connect again`);
  }

  /** Sends what `make` gives for these calls, and has them end with what goes wrong in that. */
  #begin(calls, signal, make) {
    const refuse = (error) => calls.forEach((call) => call.fail(error, true));
    try {
      this.#check();
      signal?.throwIfAborted();
      const message = make();
      calls.forEach((call) => this.#calls.set(call.id, call));
      this.#send(message, calls).catch(refuse);
    } catch (error) {
      refuse(error);
    }
  }

  async #send({ text, blobs }, calls = []) {
    // At once where no Blob is to be read, and never with another message between.
    const read = (blob) => (isBlob(blob) ? blob.arrayBuffer() : blob);
    const data = blobs.some(isBlob) ? await Promise.all(blobs.map(read)) : blobs;
    if (calls.length && calls.every(({ ended }) => ended)) return;
    [text, ...data].forEach((message) => this.#socket.send(message));
  }

  #receive(message) {
    try {
      for (const incoming of this.#assembler.feed(message)) this.#take(incoming);
    } catch (error) {
      this.#doubt(error instanceof ProtocolError ? error : new ProtocolError(String(error), {}, { cause: error }));
    }
  }

  /** A message that belongs to nobody may have been anybody's answer: nobody shall wait for ever. */
  #doubt(error) {
    this.#onWarning(`${this.url}: ${error}`);
    for (const call of [...this.#calls.values()]) call.fail(error, true);
  }

  #take(incoming) {
    const { id, method, params, result, error } = incoming.envelope;
    if (method !== undefined) return this.#notified(method, isObject(params) ? params : {});
    const call = this.#calls.get(id);
    if (call) {
      // Here and not where it is awaited, since the first event may be the next message.
      if (call.subscription && isObject(result)) this.#subscriptions.set(result.subscription, call.subscription);
      call.answer(incoming);
    } else if (id === null) {
      this.#doubt(fromWire(error));
    }
  }

  #notified(method, params) {
    if (method === "jackfield.progress" && typeof params.progress === "string") {
      this.#calls.get(Number(params.progress.slice(1)))?.tell(params);
    } else if (method === "jackfield.event") {
      const subscription = this.#subscriptions.get(params.subscription);
      if (params.closed) {
        this.#subscriptions.delete(params.subscription);
        subscription?._finish(new SubscriptionClosed(params.reason ?? "closed by the server"));
      } else {
        const dropped = Number.isInteger(params.dropped) ? params.dropped : 0;
        subscription?._put({ topic: params.topic, data: params.data, dropped });
      }
    }
  }

  #end(why) {
    this.#over ??= why;
    const lost = `connection to ${this.url} lost (${this.#over})`;
    for (const call of [...this.#calls.values()]) {
      call.fail(new ConnectionLost(`${lost}, with '${call.key}' in flight: its outcome is unknown`), true);
    }
    for (const subscription of this.#subscriptions.values()) {
      subscription._finish(new ConnectionLost(`${lost}, no more events of this subscription`));
    }
  }
}

/** Connects to a server. */
export function connect(url = "ws://127.0.0.1:40010/", options = {}) {
  const { WebSocket = globalThis.WebSocket, timeout = 10_000, onWarning = console.warn } = options;
  return new Promise((resolve, reject) => {
    if (!WebSocket) throw new TypeError("no WebSocket here: connect(url, { WebSocket }) takes that of the package ws");
    const fail = (why) => reject(new NotConnected(`no connection to ${url}: ${why}`));
    let socket;
    try {
      socket = new WebSocket(url);
    } catch (error) {
      return fail(error.message);
    }
    const timer = setTimeout(() => {
      fail(`not within ${timeout} ms`);
      socket.close();
    }, timeout);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      clearTimeout(timer);
      resolve(new Client(url, socket, onWarning));
    };
    socket.onerror = ({ message }) => fail(message || "refused");
    socket.onclose = ({ code }) => {
      clearTimeout(timer);
      fail(`close code ${code}`);
    };
  });
}
