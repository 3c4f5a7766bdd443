/**
 * What is loaded into the interpreter before its memory becomes the image: the harness, the modules that programs ask for most, and
 * stand-ins for what WebAssembly does not have. The bridges to JavaScript are taken out of it.
 */
import * as PythonHarness from "../PythonHarness.ts"

/** Modules that programs ask for most: loaded once, into the image. */
const modules =
  "abc array asyncio base64 bisect calendar cmath collections collections.abc concurrent.futures concurrent.futures.thread contextlib copy dataclasses datetime decimal enum fractions functools hashlib heapq inspect io itertools json logging math numbers operator os pprint queue random re secrets statistics string struct textwrap threading time traceback types typing unittest zlib"

/** The program of the image; leaves the address of `run` in `address`. */
export const source = `
${PythonHarness.source}
${PythonHarness.getting}
${PythonHarness.answering}
import sys
import ${modules.split(" ").join(", ")}

def _patch():
    import sys, threading
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

def _bind(run, get, answer):
    return lambda: run(get, answer)

_patch()
_seal()
_run = _bind(_make(), _get, _answer)
_address = id(_run)
`
