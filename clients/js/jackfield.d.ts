/** Binary data in params, sent as an attachment. */
export type Binary = ArrayBuffer | ArrayBufferView | Blob | Attachment;

/** Binary data with a description; of a File or Blob, name and type are taken. */
export class Attachment {
  constructor(data: ArrayBuffer | ArrayBufferView | Blob, description?: { name?: string; contentType?: string });
  /** In answers always a Uint8Array. */
  readonly data: any;
  readonly name?: string;
  readonly contentType?: string;
}

/** How far a command is. A total of 0: not known. */
export interface Progress {
  done: number;
  total: number;
  text: string;
}

export interface CallOptions {
  /** When it aborts, the command is cancelled on the server, and the call ends with the signal's reason. */
  signal?: AbortSignal;
  /** What it throws cancels the command and ends the call. */
  onProgress?: (progress: Progress) => void;
  /** Milliseconds; then the command is cancelled on the server, and the call ends with Timeout. */
  timeout?: number;
  /** Attachments before those in params, which name them by {"$attachment": INDEX}. */
  attachments?: Binary[];
}

/** A command in flight: a promise of its result. */
export interface Call<T = any> extends Promise<T> {
  readonly id: number;
  /** Once answered: all attachments, also those that the result does not refer to. */
  readonly attachments: Attachment[];
  /** Asks the server to give it up; false: too late. The call itself then ends with Cancelled, or its result. */
  cancel(): Promise<boolean>;
}

/** What was published. */
export interface Event<T = any> {
  topic: string;
  data: T;
  /** How many events were dropped before this one because it was not read fast enough. */
  dropped: number;
}

export interface SubscribeOptions {
  /** Begin with the last event of each topic. */
  last?: boolean;
  /** Where events wait for too long: drop the oldest and count them, or end the subscription. */
  whenFull?: "drop" | "close";
  /** Only events whose data has these values. */
  where?: Record<string, unknown>;
  /** How many events may wait here; 1024. */
  queue?: number;
  /** Milliseconds to wait for each event. */
  timeout?: number;
}

/** In force once `ready`. Leaving a `for await` over it ends it. */
export class Subscription<T = any> implements AsyncIterableIterator<Event<T>> {
  private constructor();
  readonly ready: Promise<void>;
  /** The next event. Rejects with Timeout, SubscriptionClosed, or ConnectionLost once all that came before is read. */
  get(options?: { timeout?: number }): Promise<Event<T>>;
  next(): Promise<IteratorResult<Event<T>>>;
  return(): Promise<IteratorResult<Event<T>>>;
  /** Ends it on both sides; a loop over it ends. */
  close(): Promise<void>;
  [Symbol.asyncIterator](): this;
}

/** One connection. */
export class Client {
  private constructor();
  readonly url: string;
  /**
   * Sends a command. Params are by name (an object) or by position (an array). Binary values anywhere in them go as
   * attachments; in results they are Uint8Array.
   */
  call<T = any>(key: string, params?: object, options?: CallOptions): Call<T>;
  /** Sends pairs of key and params, up to 64 in a message; what became of each, in the same order. */
  batch(
    requests: [key: string, params?: object][],
    options?: Pick<CallOptions, "signal" | "timeout">,
  ): Promise<PromiseSettledResult<any>[]>;
  /** Sends a command that is not answered. */
  notify(key: string, params?: object, options?: Pick<CallOptions, "attachments">): Promise<void>;
  /** Publishes an event. */
  publish(topic: string, data: unknown): Promise<void>;
  /** Events of topics by pattern: `*` is one part, `**` the rest. */
  subscribe<T = any>(topics: string | string[], options?: SubscribeOptions): Subscription<T>;
  /** Ends the connection. What is in flight ends with ConnectionLost. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** The class to connect with; that of the package `ws` in Node before 22. */
  WebSocket?: new (url: string) => any;
  /** Milliseconds; 10,000. */
  timeout?: number;
  /** Told of messages from the server that cannot be understood; console.warn. */
  onWarning?: (text: string) => void;
}

/** Connects to a server, ws://127.0.0.1:40010/ unless told otherwise. Rejects with NotConnected. */
export function connect(url?: string, options?: ConnectOptions): Promise<Client>;

/** Base of all errors here, and what an error with an unknown number becomes. */
export class JackfieldError extends Error {
  /** The number on the wire; null for what did not come from the server. */
  readonly code: number | null;
  /** The stable name of the number, such as UNKNOWN_KEY. */
  readonly name: string;
  /** Whose fault it is. */
  readonly culprit?: "caller" | "plugin" | "operator" | "engine";
  /** The plugin concerned. */
  readonly plugin?: string;
  /** All that the server told. */
  readonly data: { generation?: number; path?: string; expected?: any; code?: number; details?: any; [key: string]: any };
}
/** -32700: not JSON, or JSON outside the limits. */
export class Malformed extends JackfieldError {}
/** -32600: JSON, but no request. */
export class InvalidRequest extends JackfieldError {}
/** -32601: no such command. */
export class UnknownKey extends JackfieldError {}
/** -32602: the params do not fit the command; data has path and expected. */
export class InvalidParams extends JackfieldError {}
/** -32603: a fault of Jackfield. */
export class Internal extends JackfieldError {}
/** -32001: the caller is not known. */
export class Unauthenticated extends JackfieldError {}
/** -32002: the caller may not do this. */
export class Forbidden extends JackfieldError {}
/** -32003: a queue is full; the same command may succeed later. */
export class Busy extends JackfieldError {}
/** -32004: given up because somebody asked for it. */
export class Cancelled extends JackfieldError {}
/** -32005: not answered within the server's limit. */
export class Deadline extends JackfieldError {}
/** -32006: larger than a limit. */
export class TooLarge extends JackfieldError {}
/** -32010: the plugin says no; its own code and details are in data. */
export class PluginFailed extends JackfieldError {}
/** -32011: a panic was stopped at the plugin's edge. */
export class PluginPanicked extends JackfieldError {}
/** -32012: the plugin's process ended under the command. */
export class PluginCrashed extends JackfieldError {}
/** -32013: the plugin was unloaded before the command was begun. */
export class PluginGone extends JackfieldError {}
/** -32014: begun, and nobody knows how it ended. */
export class OutcomeUnknown extends JackfieldError {}
/** -32015: the call would wait for itself. */
export class Cycle extends JackfieldError {}
/** -32016: what the command needs is not there now. */
export class Unavailable extends JackfieldError {}
/** -32017: the server is stopping. */
export class ShuttingDown extends JackfieldError {}
/** There is no connection: nothing was sent. connect() again. */
export class NotConnected extends JackfieldError {}
/** The connection ended under a command: it may have been done or not. */
export class ConnectionLost extends NotConnected {}
/** Not within the time that the caller gave. */
export class Timeout extends JackfieldError {}
/** No more events: ended by close(), or because it overflowed with whenFull "close". */
export class SubscriptionClosed extends JackfieldError {}
/** The server sent what cannot be understood. The connection goes on. */
export class ProtocolError extends JackfieldError {}
