/**
 * The Python side of every sandbox: the function that runs one test of a program inside the interpreter that the sandbox provides.
 *
 * `run(get, answer)` takes its job from `get()`, as JSON: `{ source, call?: { name, args } }`. The program runs as `__main__`;
 * standard input is descriptor 0. It ends by `answer(text)`, JSON too: `{ status, exitCode?, error?, value? }`. A program that forges
 * an answer gains nothing: it only says what it could have done itself, and what is expected is not here.
 */

/** Defines `_make()`, which returns `run`. */
export const source = `
def _make():
    import atexit, builtins, io, json, os, sys, types
    dumps, loads = json.dumps, json.loads

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

    compiled = {}

    def run(get, answer):
        job = loads(get())
        reply = {"status": "done", "exitCode": 0}
        sys.setrecursionlimit(1000)
        # The clock is limit enough.
        sys.set_int_max_str_digits(0)
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
        answer(dumps(reply))

    return run
`

/** Reads the job from descriptor 3 and answers on descriptor 4. */
export const overPipes = `
def _get():
    import os
    chunks = []
    while True:
        chunk = os.read(3, 1 << 20)
        if not chunk:
            return b"".join(chunks).decode("utf-8", "surrogatepass")
        chunks.append(chunk)

def _answer(text, write=__import__("os").write):
    data = text.encode()
    while data:
        data = data[write(4, data):]
`
