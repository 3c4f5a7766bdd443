/**
 * The Python side of every sandbox: the function that runs one test of a program inside the interpreter that the sandbox provides.
 *
 * `run(get, answer)` takes its job from `get()`, as JSON: `{ source, call?: { name, args, encoded } }`. A script runs as `__main__` and
 * has descriptor 0 as standard input; a program that is called is imported, so its main guard does not run. It ends by `answer(text)`,
 * JSON too: `{ status, exitCode?, error?, value? }`. A program that forges an answer gains nothing: it only says what it could have
 * done itself, and what is expected is not here.
 *
 * Arguments are JSON, where an object whose keys are all whole numbers gets integers for keys (JSON has no others), or, `encoded`, what
 * `encode` makes of a value. Names of `Preamble` that the program uses and does not have are put beside Python's own.
 */
import * as Preamble from "./Preamble.ts"

/** `encode` and `decode`: values of Python, of every kind that `Value.ts` knows, as JSON. */
export const codec = `
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
    if kind is complex:
        return {"c": [repr(value.real), repr(value.imag)]}
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

def decode(value):
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    (kind, inner), = value.items()
    if kind == "i":
        return int(inner, 16)
    if kind == "f":
        return float(inner)
    if kind == "c":
        return complex(*map(float, inner))
    if kind == "t":
        return tuple([decode(v) for v in inner])
    if kind == "s":
        return {decode(v) for v in inner}
    if kind == "d":
        return {decode(k): decode(v) for k, v in inner}
    raise ValueError("a value that cannot be an argument")`

/** Defines `_make()`, which returns `run`. */
export const source = `
def _make():
    import atexit, builtins, io, json, os, sys, types
    dumps, loads = json.dumps, json.loads

${codec.replaceAll(/^(?=.)/gm, "    ")}
    def whole(key):
        digits = key[1:] if key[:1] == "-" else key
        return digits.isascii() and digits.isdigit() and (digits == key == "0" or digits[0] != "0")

    def plain(value):
        if isinstance(value, list):
            return [plain(v) for v in value]
        if not isinstance(value, dict):
            return value
        numbers = len(value) > 0 and all(map(whole, value))
        return {(int(k) if numbers else k): plain(v) for k, v in value.items()}

    homes = {}
    for word in ${JSON.stringify(Preamble.names.split(/\s+/).filter(Boolean).join(" "))}.split():
        if word[-1] == ":":
            home = word[:-1]
            homes[home] = None
        else:
            homes[word] = home

    def supply(code):
        for name in code.co_names:
            if name in homes and not hasattr(builtins, name):
                home = homes[name]
                module = __import__(home or name)
                if home is None or hasattr(module, name):
                    setattr(builtins, name, module if home is None else getattr(module, name))
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                supply(constant)

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

    def run(get, answer):
        job = loads(get())
        call = job.get("call")
        reply = {"status": "done", "exitCode": 0}
        sys.setrecursionlimit(1000)
        # The clock is limit enough.
        sys.set_int_max_str_digits(0)
        sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "rb", closefd=False), 1 << 16), encoding="utf-8", errors="surrogateescape")
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "wb", closefd=False), 1 << 16), encoding="utf-8", errors="surrogateescape", newline="\\n")
        sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.FileIO(2, "wb", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True)
        sys.argv[:] = ["program"]
        main = types.ModuleType("__main__" if call is None else "program")
        main.__builtins__ = builtins
        sys.modules["__main__"] = sys.modules[main.__name__] = main
        try:
            try:
                code = compile(job["source"], "<program>", "exec", dont_inherit=True)
                supply(code)
                exec(code, main.__dict__)
                if call is not None:
                    name = call["name"]
                    if "Solution" in main.__dict__ and hasattr(main.Solution, name):
                        function = getattr(main.Solution(), name)
                    elif name in main.__dict__:
                        function = main.__dict__[name]
                    else:
                        raise NameError("there is no function %s, and no class Solution that has it" % name)
                    read = decode if call.get("encoded") else plain
                    reply["value"] = dumps(encode(function(*[read(loads(a)) for a in call["args"]])))
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

/** `_get()`: reads the job from descriptor 3. */
export const getting = `
def _get():
    import os
    chunks = []
    while True:
        chunk = os.read(3, 1 << 20)
        if not chunk:
            return b"".join(chunks).decode("utf-8", "surrogatepass")
        chunks.append(chunk)
`

/** `_answer(text)`: answers on descriptor 4. */
export const answering = `
def _answer(text, write=__import__("os").write):
    data = text.encode()
    while data:
        data = data[write(4, data):]
`
