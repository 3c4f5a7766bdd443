/**
 * Programs as verl's `prime_code` runs them. A script becomes the body of a function `code`, its lines that begin with an import apart, so
 * its variables are not globals; standard input is a `StringIO` without a buffer or a descriptor behind it; the object that `stdin` was
 * when it was imported has a `read` and a `readline` of its own, and no lines to go through; integers have at most 4,300 digits as text; the main guard is executed; some modules cannot be imported.
 */

const stars =
  "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json builtins typing".split(
    " ",
  )
const modules = stars.filter((name) => name !== "builtins" && name !== "typing")

const preamble = [
  ...stars.map((name) => `from ${name} import *`),
  ...modules.map((name) => `import ${name}`),
  "sys.setrecursionlimit(600000)",
  "",
].join("\n")

const common = (program: string): string => `
import ast, builtins, io, json, sys, types
sys.set_int_max_str_digits(4300)
builtins.exit = builtins.quit = None
for name in ("ipdb", "joblib", "resource", "psutil", "tkinter", "subprocess", "ctypes"):
    sys.modules[name] = None
_program = ${JSON.stringify(program)}

def _load(text):
    module = types.ModuleType("tmp_sol")
    exec(compile(${JSON.stringify(preamble)} + text, "<string>", "exec"), module.__dict__)
    sys.modules["tmp_sol"] = module
    return module
`

/** The source that runs the program on standard input. @category programs */
export const script = (program: string): string => `${common(program)}
def _as_function(program):
    try:
        tree = ast.parse(program)
        guard = tree.body[-1]
        if isinstance(guard, ast.If) and ast.unparse(guard.test).strip() == "__name__ == '__main__'":
            program = ast.unparse(tree.body[:-1]) + "\\n" + ast.unparse(guard.body)
    except Exception:
        pass
    out, inside = [], False
    for line in program.split("\\n"):
        imports = line.startswith(("from ", "import "))
        if not imports and not inside:
            out.append("stdin = sys.stdin\\nstdout = sys.stdout\\ndef code():")
            inside = True
        out.append("\\t" + line if inside else line)
    return "\\n".join(out) + "\\n"

def _main():
    given = sys.stdin.buffer.read().decode()
    shown = sys.stdout
    early = sys.stdin = io.StringIO()
    sys.stdout = io.StringIO()
    code = _load(_as_function(_program)).code
    rest = iter(given.split("\\n"))
    sys.stdin, sys.stdout = io.StringIO(given), io.StringIO()
    early.readline = lambda *args: next(rest)
    early.readlines = lambda *args: given.split("\\n")
    early.read = lambda *args: given
    captured = sys.stdout
    try:
        code()
    except SystemExit:
        pass
    sys.stdout = shown
    shown.write(captured.getvalue())

_main()
`

/** The function that the source of `call` defines. */
export const entry = "_prime_call"

/**
 * The source that defines `entry`, which takes the lines of an input as one text and calls the function. A first argument that is an
 * object with whole numbers for keys gets them, and is then the only one.
 *
 * @category programs
 */
export const call = (program: string, name: string): string => `${common(program)}
_owner = _load(_program)
_owner = _owner.Solution() if "class Solution" in _program else _owner

def ${entry}(lines):
    args = [json.loads(line) for line in lines.split("\\n")]
    if isinstance(args[0], dict):
        try:
            args = [{int(key): value for key, value in args[0].items()}]
        except Exception:
            pass
    output = getattr(_owner, ${JSON.stringify(name)})(*args)
    json.dumps(output)
    return output
`
