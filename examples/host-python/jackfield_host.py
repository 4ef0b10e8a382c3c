"""The command server inside a Python application: libjackfield through ctypes, nothing to compile.

    with Engine("ws://127.0.0.1:40010") as engine:
        @engine.command("circle", help="Area of a circle")
        def circle(params):
            return {"area": math.pi * params["radius"] ** 2}
        engine.start()
        engine.run()            # until Ctrl-C: handlers run here, on this thread, one at a time

A handler gets the params as json.loads gives them, and returns what json.dumps takes. What it raises is the command's failure,
with the exception's text.
"""

import ctypes
import json
import os
import signal
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

FAILED, STALE, SHUTTING_DOWN = -2, -9, -17
HOST_THREAD = 3
ACK_ONLY, READ_ONLY, CATCH_ALL = 1, 2, 4


class Str(Structure):
    """jf_str. Keeps the bytes that it is made of."""

    _fields_ = [("ptr", c_char_p), ("len", c_size_t)]

    @classmethod
    def of(cls, text):
        data = text.encode(errors="replace")
        return cls(data, len(data))

    def __str__(self):
        # Not through `ptr`, which ends at the first NUL.
        return ctypes.string_at(c_void_p.from_buffer(self), self.len).decode()


class Buf(Structure):
    """jf_buf."""

    _fields_ = [("ptr", c_void_p), ("len", c_size_t),
                ("release", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)), ("ctx", c_void_p)]

    def take(self):
        """The bytes as text; gives them back to the library."""
        data = ctypes.string_at(self.ptr, self.len)
        self.release(self.ctx, self.ptr, self.len)
        return data.decode()


class Sized(Structure):
    """A struct that begins with its own size."""

    def __init__(self, **fields):
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class Error(Sized):
    _fields_ = [("struct_size", c_uint32), ("status", c_int32), ("number", c_int32), ("flags", c_uint32),
                ("code", c_int64), ("culprit", Str), ("message", Str), ("data", Str)]


class Info(Sized):
    _fields_ = [("struct_size", c_uint32), ("command_class", c_uint32), ("flags", c_uint32), ("param_count", c_uint32),
                ("key", Str), ("help", Str), ("params_schema", Str), ("result_schema", Str),
                ("param_order", c_void_p), ("examples", c_void_p), ("example_count", c_size_t)]


class Command(Structure):
    """The first fields of jf_command, which the library makes."""

    _fields_ = [("struct_size", c_uint32), ("attachment_count", c_uint32), ("token", c_uint64), ("key", Str), ("params", Str)]


class Reply(Sized):
    _fields_ = [("struct_size", c_uint32), ("status", c_int32), ("code", c_int64), ("message", Str), ("json", Str),
                ("json_buf", Buf), ("attachments", c_void_p), ("attachment_count", c_size_t)]


HANDLE = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Command))


class Handler(Sized):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("userdata", c_void_p), ("handle", HANDLE),
                ("cancel", c_void_p), ("release", c_void_p)]


def library(prefix=None):
    """libjackfield: JACKFIELD_LIBRARY, or the one in PREFIX/lib, or the one that the system finds."""
    names = {"darwin": "libjackfield.0.dylib", "win32": "jackfield.dll"}
    name = names.get(sys.platform, "libjackfield.so.0")
    if prefix:
        name = os.path.join(prefix, "bin" if sys.platform == "win32" else "lib", name)
    loaded = ctypes.CDLL(os.environ.get("JACKFIELD_LIBRARY", name))
    for function, *arguments in [
        ("new", POINTER(c_void_p)), ("free", c_void_p), ("start", c_void_p), ("set", c_void_p, Str, Str),
        ("last_error", c_void_p, POINTER(Error)), ("register", c_void_p, POINTER(Info), POINTER(Handler)),
        ("listeners", c_void_p, POINTER(Buf)), ("poll", c_void_p, c_int64, POINTER(c_uint64)),
        ("reply", c_void_p, c_uint64, POINTER(Reply)), ("progress", c_void_p, c_uint64, c_uint64, c_uint64, Str),
        ("publish", c_void_p, Str, Str),
    ]:
        getattr(loaded, f"jf_engine_{function}").argtypes = arguments
    return loaded


class JackfieldError(Exception):
    """Why the library refused a call."""


class Engine:
    """A command server in this process. All its functions belong to one thread, the one that runs it."""

    def __init__(self, listen, prefix=None):
        self._library = library(prefix)
        self._engine = c_void_p()
        # The library calls them for as long as it has the engine.
        self._kept = []
        # The command whose handler runs, and what it raised that is not for its caller alone.
        self._token, self._raised = 0, None
        self._interrupted = False
        self._call("new", into=byref(self._engine))
        self._call("set", Str.of("listen"), Str.of(listen))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def command(self, key, *, help="", params_schema=None, flags=0):
        """Has the function below called for each command `key`."""

        def register(function):
            schema = "" if params_schema is None else json.dumps(params_schema)
            info = Info(command_class=HOST_THREAD, flags=flags, key=Str.of(key), help=Str.of(help), params_schema=Str.of(schema))
            handle = HANDLE(lambda _, command: self._handle(function, command.contents))
            self._kept.append(handle)
            self._call("register", byref(info), byref(Handler(handle=handle)))
            return function

        return register

    def catch_all(self, function):
        """Has `function` called with each whole message that has no other handler; plain clients get `Ok` for it."""
        return self.command("", flags=CATCH_ALL | ACK_ONLY)(function)

    def start(self):
        """Lets clients in, and gives the URLs where."""
        self._call("start")
        urls = Buf()
        self._call("listeners", byref(urls))
        return json.loads(urls.take())

    def run(self):
        """Runs handlers until Ctrl-C. The first lets a handler that runs finish; the second interrupts that, too."""
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            # In turns: Python looks for signals only in between.
            while not self._interrupted and self.poll(0.1):
                pass
        finally:
            signal.signal(signal.SIGINT, before)

    def poll(self, seconds=0.0):
        """Runs the handlers that wait, for applications with a loop of their own. False: the engine has stopped."""
        status = self._call("poll", int(seconds * 1000), None, expected=SHUTTING_DOWN)
        raised, self._raised = self._raised, None
        if raised:
            raise raised
        return status != SHUTTING_DOWN

    def progress(self, done, total=0, text=""):
        """From within a handler: tells its caller how far it is."""
        self._call("progress", self._token, done, total, Str.of(text), expected=STALE)

    def publish(self, topic, data):
        """Tells all that have subscribed to `topic`."""
        self._call("publish", Str.of(topic), Str.of(json.dumps(data)))

    def close(self):
        """Stops the engine in order."""
        self._call("free")
        self._engine = c_void_p()

    def _handle(self, function, command):
        # What stands if even telling the failure fails.
        reply = Reply(status=FAILED, message=Str.of("the handler failed, and so did telling why"))
        try:
            try:
                self._token = command.token
                reply.json = Str.of(_json(function(json.loads(str(command.params)))))
                reply.status, reply.message = 0, Str()
            except BaseException as error:
                if not isinstance(error, Exception):
                    self._raised = error
                reply.message = Str.of(_reason(error))
        except BaseException as error:
            # None may leave this, a second Ctrl-C neither: it would be lost in the library.
            self._raised = error if not isinstance(error, Exception) else self._raised
        finally:
            # A reply that is refused is answered by the library.
            self._library.jf_engine_reply(self._engine, command.token, byref(reply))
        return reply.status

    def _interrupt(self, *_):
        self._interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _call(self, function, *arguments, into=None, expected=0):
        status = getattr(self._library, f"jf_engine_{function}")(into or self._engine, *arguments)
        if status < 0 and status != expected:
            error = Error()
            self._library.jf_engine_last_error(self._engine, byref(error))
            raise JackfieldError(str(error.message))
        return status


def _json(value):
    """`value` as JSON that every reader takes."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        lone = error.object[error.start]
        raise ValueError(f"the result has a text with a lone surrogate, {lone!a}, which JSON cannot carry") from None
    return text


def _reason(error):
    """What `error` says, or its type if it cannot say it."""
    try:
        return str(error) or repr(error)
    except Exception:
        return f"{type(error).__name__}, whose text cannot be had"
