/**
 * The Python side: what is loaded into the interpreter before its memory becomes the image, and the function that runs one test.
 *
 * `run` gets its job from descriptor 3, as JSON: `{ source, call?: { name, args } }`. The program runs as `__main__`; standard input is
 * descriptor 0. It answers on descriptor 4, as JSON: `{ status, exitCode?, error?, value? }`. A program that forges an answer gains
 * nothing: it only says what it could have done itself, and what is expected is not here.
 */

/** Modules that programs ask for most: loaded once, into the image. */
const modules =
  "abc array asyncio base64 bisect calendar cmath collections collections.abc concurrent.futures concurrent.futures.thread contextlib copy dataclasses datetime decimal enum fractions functools hashlib heapq inspect io itertools json logging math numbers operator os pprint queue random re secrets statistics string struct textwrap threading time traceback types typing unittest zlib"

/** The program of the image; leaves the address of `run` in `address`. */
export const source = `
import sys
import ${modules.split(" ").join(", ")}

def _make():
    import atexit, builtins, gc, io, json, os, sys, threading, types
    dumps, loads, read, write = json.dumps, json.loads, os.read, os.write

    # WebAssembly has one thread: start() runs the target to its end, which is what programs that want a deep stack ask for.
    def start(self):
        if self._started.is_set():
            raise RuntimeError("threads can only be started once")
        self._started.set()
        try:
            self.run()
        finally:
            self._lpo_done = True
    threading.Thread.start = start
    threading.Thread.join = lambda self, timeout=None: None
    threading.Thread.is_alive = lambda self: False
    threading.stack_size = lambda size=0: 0

    # For the same reason a pool runs what it is given at once, and an event loop sleeps where it would wait for sockets.
    from concurrent import futures
    def submit(self, function, /, *args, **kwargs):
        future = futures.Future()
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future
    futures.ThreadPoolExecutor.submit = submit
    futures.ThreadPoolExecutor.shutdown = lambda self, wait=True, *, cancel_futures=False: None

    import asyncio, importlib
    importlib.reload(asyncio.runners)
    asyncio.run, asyncio.Runner = asyncio.runners.run, asyncio.runners.Runner
    class Selector:
        def select(self, timeout):
            if timeout is None:
                raise RuntimeError("the event loop waits for something that cannot happen")
            if timeout > 0:
                time.sleep(timeout)
            return []
    class Loop(asyncio.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = Selector()
        def _process_events(self, events):
            pass
        def _write_to_self(self):
            pass
    def event_loop():
        return Loop()
    asyncio.new_event_loop = asyncio.events.new_event_loop = asyncio.runners.events.new_event_loop = event_loop

    def encode(value, depth=0):
        if depth > 200:
            raise ValueError("the value is nested more than 200 deep")
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return {"i": hex(value)}
        if kind is float:
            return {"f": repr(value)}
        if kind is list:
            return [encode(v, depth + 1) for v in value]
        if kind is tuple:
            return {"t": [encode(v, depth + 1) for v in value]}
        if isinstance(value, bool) or value is None:
            return bool(value)
        if isinstance(value, dict):
            return {"d": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]}
        if isinstance(value, (set, frozenset)):
            return {"s": [encode(v, depth + 1) for v in value]}
        if isinstance(value, int):
            return {"i": hex(int(value))}
        if isinstance(value, float):
            return {"f": repr(float(value))}
        if isinstance(value, str):
            return str(value)
        if isinstance(value, list):
            return [encode(v, depth + 1) for v in value]
        if isinstance(value, tuple):
            return {"t": [encode(v, depth + 1) for v in value]}
        return {"o": repr(value)[:1000]}

    def describe(error):
        name = type(error).__name__
        try:
            text = str(error)
        except BaseException:
            text = ""
        line = None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<program>":
                line = trace.tb_lineno
            trace = trace.tb_next
        if line is None:
            line = getattr(error, "lineno", None)
        where = "" if line is None else " (line %s)" % line
        return ("%s: %s" % (name, text) if text else name)[:1000] + where

    def exit_code(error):
        code = error.code
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 255
        sys.stderr.write(str(code) + "\\n")
        return 1

    def answer(reply):
        data = dumps(reply).encode()
        while data:
            data = data[write(4, data):]

    compiled = {}

    def run():
        chunks = []
        while True:
            chunk = read(3, 1 << 20)
            if not chunk:
                break
            chunks.append(chunk)
        job = loads(b"".join(chunks).decode("utf-8", "surrogatepass"))
        reply = {"status": "done", "exitCode": 0}
        sys.setrecursionlimit(1000)
        sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "rb", closefd=False), 1 << 16), encoding="utf-8", errors="surrogateescape")
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "wb", closefd=False), 1 << 16), encoding="utf-8", errors="surrogateescape", newline="\\n")
        sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.FileIO(2, "wb", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True)
        sys.argv[:] = ["program"]
        main = types.ModuleType("__main__")
        main.__builtins__ = builtins
        sys.modules["__main__"] = main
        try:
            try:
                source = job["source"]
                code = compiled.get(source)
                if code is None:
                    compiled[source] = code = compile(source, "<program>", "exec", dont_inherit=True)
                exec(code, main.__dict__)
                call = job.get("call")
                if call is not None:
                    name = call["name"]
                    if "Solution" in main.__dict__ and hasattr(main.Solution, name):
                        function = getattr(main.Solution(), name)
                    elif name in main.__dict__:
                        function = main.__dict__[name]
                    else:
                        raise NameError("there is no function %s, and no class Solution that has it" % name)
                    reply["value"] = dumps(encode(function(*[loads(a) for a in call["args"]])))
            except SystemExit as error:
                reply["exitCode"] = exit_code(error)
            except BaseException as error:
                reply = {"status": "raised", "error": describe(error)}
                if isinstance(error, MemoryError):
                    reply["status"] = "memory"
            try:
                atexit._run_exitfuncs()
            except BaseException as error:
                if reply["status"] == "done":
                    reply = {"status": "raised", "error": describe(error)}
            try:
                sys.stdout.flush()
            except (AttributeError, ValueError):
                pass
            try:
                sys.__stdout__.flush()
            except (AttributeError, ValueError):
                pass
        except SystemExit as error:
            reply["exitCode"] = exit_code(error)
        answer(reply)

    return run

def _seal():
    import builtins, gc, importlib, site
    del site
    roots = ("js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "pyodide_core", "_pyodide_ffi", "webbrowser", "micropip")
    for name in list(sys.modules):
        if name.split(".")[0] in roots:
            del sys.modules[name]
    sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, "__module__", "").startswith("_frozen_importlib")]
    sys.path[:] = ["/lib/python314.zip"]
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    # Names of the native modules behind the bridges: not to be made again.
    for name in roots:
        sys.modules[name] = None
    from _sitebuiltins import Quitter
    builtins.exit = Quitter("exit", "Ctrl-D")
    builtins.quit = Quitter("quit", "Ctrl-D")
    import asyncio, os
    asyncio.events._event_loop_policy = None
    asyncio.events._set_running_loop(None)
    os.environ.clear()
    gc.collect()

_run = _make()
_seal()
_address = id(_run)
`
