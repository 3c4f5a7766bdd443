/**
 * The Python side of tests that are asserts: it runs the tests with the program left out.
 *
 * Where they call a function of the program, a stand-in answers with what a run of the program has returned, or notes that the call is
 * still to be made. So what a test expects and what the program does never meet in one interpreter: a program has no assert to switch
 * off, no `==` to overload and no source to read.
 *
 * Reads JSON `{ setup, tests: [text], entry, known }`, `known` from call to `{ value }`, `{ raised }` or `{ failed }`.
 * Prints one of `{ refusal }`, the tests cannot be run; `{ calls: [[name, args]] }`, to be made; `{ statements }`, how each ended.
 */
import * as Preamble from "../sandbox/Preamble.ts"
import { codec } from "../sandbox/PythonHarness.ts"

export const source = `
import ast, builtins, importlib, json, sys
${codec}

class _Need(BaseException):
    pass

class _Failed(BaseException):
    pass

class _Stop(BaseException):
    pass

class _Refusal(BaseException):
    pass

_homes = {}
for _word in ${JSON.stringify(Preamble.names.split(/\s+/).filter(Boolean).join(" "))}.split():
    if _word[-1] == ":":
        _home = _word[:-1]
        _homes[_home] = None
    else:
        _homes[_word] = _home

_job = json.loads(sys.stdin.read())
_known = _job["known"]
_needed = {}
_statements = []

def _opaque(value):
    return isinstance(value, dict) and "o" in value or isinstance(value, (list, dict)) and any(
        map(_opaque, value.values() if isinstance(value, dict) else value))

class _Function:
    def __init__(self, name):
        self.__name__ = name

    def __call__(self, *args, **kwargs):
        if kwargs:
            raise _Refusal("they call %s with arguments by name; give them by place" % self.__name__)
        values = [encode(a) for a in args]
        if any(map(_opaque, values)):
            raise _Refusal("they give %s an argument that is not a plain value" % self.__name__)
        texts = [json.dumps(v) for v in values]
        key = json.dumps([self.__name__, texts])
        statement = _statements[-1]
        statement["calls"].append(key)
        if key not in _known:
            _needed[key] = [self.__name__, texts]
            raise _Need()
        reply = _known[key]
        if "failed" in reply:
            raise _Failed(reply["failed"])
        if "raised" in reply:
            name, _, text = reply["raised"].partition(": ")
            kind = getattr(builtins, name, None)
            if not (isinstance(kind, type) and issubclass(kind, Exception)):
                kind = type(name, (Exception,), {})
            error = kind.__new__(kind, text)
            error.args = (text,)
            error._from_program = reply["raised"]
            raise error
        try:
            return decode(json.loads(reply["value"]))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise _Failed("%s returns a value that is not plain" % self.__name__) from None

def _begin(text, stores, loads):
    """Stores are the names that an assignment gives; null for any other statement, which is a test."""
    _statements.append({"calls": [], "text": text, "error": None, "stores": stores, "loads": loads})

def _caught(error, goes_on):
    statement = _statements[-1]
    if isinstance(error, (_Stop, _Refusal)):
        raise error
    if isinstance(error, _Need):
        if not goes_on:
            raise _Stop()
        return
    text = getattr(error, "_from_program", None)
    if text is None and isinstance(error, _Failed):
        text = str(error)
    if text is None and isinstance(error, AssertionError):
        text = statement["text"] + " does not hold"
    if text is None:
        text = "%s: %s" % (type(error).__name__, str(error)[:500])
    statement["error"] = text

def _loops(tree):
    """A pass notes the calls of all turns of a loop, not only of the first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For):
            node.body = [_guard(node.body, "_need", [ast.Pass()])]

def _guard(body, kind, handler, name=None):
    return ast.Try(body=body, handlers=[ast.ExceptHandler(type=ast.Name(kind, ast.Load()), name=name, body=handler)], orelse=[], finalbody=[])

def _call(name, *args):
    return ast.Expr(ast.Call(func=ast.Name(name, ast.Load()), args=list(args), keywords=[]))

def _text(node):
    text = ast.unparse(node)
    return text if len(text) <= 160 else text[:160] + "..."

def _watched(body):
    out = []
    for node in body:
        goes_on = isinstance(node, (ast.Assert, ast.For, ast.Expr))
        names = lambda kind: tuple({n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, kind)})
        stores = names(ast.Store) if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) else None
        out.append(_call("_begin", ast.Constant(_text(node)), ast.Constant(stores), ast.Constant(names(ast.Load))))
        out.append(_guard([node], "_all", [_call("_caught", ast.Name("_error", ast.Load()), ast.Constant(goes_on))], "_error"))
    return out

def _unresolved(trees, space):
    stored, loaded, called = set(), [], set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called.add(node.func.id)
            if isinstance(node, ast.Name):
                (loaded.append(node.id) if isinstance(node.ctx, ast.Load) else stored.add(node.id))
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                stored.add(node.name)
            elif isinstance(node, ast.arg):
                stored.add(node.arg)
            elif isinstance(node, ast.alias):
                stored.add((node.asname or node.name).split(".")[0])
    free = [n for n in dict.fromkeys(loaded) if n not in stored and n not in space]
    return [n for n in free if not hasattr(builtins, n)], called

def _supply(names, called, space):
    """Imports what contests import beforehand; the rest are functions of the program."""
    for name in names:
        home = _homes.get(name, "")
        if home is None or home != "" and (name[:1].isupper() or name not in called):
            module = importlib.import_module(home or name)
            space[name] = module if home is None else getattr(module, name)
        elif name in called or name not in sys.stdlib_module_names:
            space[name] = _Function(name)
        else:
            space[name] = importlib.import_module(name)

def _outermost(tree):
    """The built-in function whose name the program's function has: the one that the first assert calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            test = node.test.left if isinstance(node.test, ast.Compare) else node.test
            if isinstance(test, ast.Call) and isinstance(test.func, ast.Name):
                return test.func.id
    return None

def _examine():
    space = {"__name__": "tests", "_need": _Need, "_all": BaseException, "_begin": _begin, "_caught": _caught}
    setup = ast.parse(_job["setup"])
    names, called = _unresolved([setup], space)
    _supply([n for n in names if n in _homes], set(), space)
    exec(compile(setup, "<setup>", "exec"), space)
    entry = _job.get("entry")
    if entry is not None:
        space[entry] = _Function(entry)
    trees = [ast.parse(text) for text in _job["tests"]]
    names, called = _unresolved(trees, space)
    if entry is None and not any(n in called and n not in _homes for n in names):
        name = next((n for n in map(_outermost, trees) if n is not None), None)
        if name is not None:
            space[name] = _Function(name)
            names = [n for n in names if n != name]
    _supply(names, called, space)
    checks = [n for tree in trees for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "check" and len(n.args.args) == 1]
    for tree in trees:
        _loops(tree)
        if checks:
            tree.body = [n for n in tree.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and isinstance(n.value.func, ast.Name) and n.value.func.id == "check")]
        else:
            tree.body = _watched(tree.body)
    for check in checks:
        check.body = _watched(check.body)
    try:
        for tree in trees:
            exec(compile(ast.fix_missing_locations(tree), "<tests>", "exec"), space)
        if checks:
            space["check"](space[entry])
    except _Stop:
        pass

def _reply():
    try:
        _examine()
    except _Refusal as error:
        return {"refusal": str(error)}
    except BaseException as error:
        return {"refusal": "they raise %s: %s" % (type(error).__name__, str(error)[:500])}
    if not _known:
        for statement in _statements:
            if statement["error"] is not None and not statement["calls"]:
                return {"refusal": "before any call of the program: " + statement["error"]}
        if not _needed:
            return {"refusal": "they never call the program"}
    if _needed:
        return {"calls": list(_needed.values())}
    # What asks nothing of the program earns nothing, and what it breaks counts.
    counted, asked = [], set()
    for s in _statements:
        about = bool(s["calls"]) or not asked.isdisjoint(s["loads"])
        if s["stores"] is not None and about:
            asked.update(s["stores"])
        if s["error"] is not None or about and s["stores"] is None:
            counted.append(s)
    return {"statements": [{"error": s["error"], "calls": s["calls"]} for s in counted]}

print(json.dumps(_reply()))
`
