/** The native sandbox's supervisor under attack from a test: the next test of the program, and the next program, see nothing of it. */
import { NativeSandbox, type Sandbox } from "@lpo/verifiers"
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"

const attacks: Readonly<Record<string, string>> = {
  "ends it": "os.kill(1, signal.SIGKILL)",
  "stops it": "os.kill(1, signal.SIGSTOP)",
  "interrupts it": "os.kill(1, signal.SIGINT)",
  "ends everything": "os.kill(-1, signal.SIGKILL)",
  "ends its group": "os.killpg(0, signal.SIGKILL)",
  "takes its descriptors' limit": "resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0))",
  "takes its memory's limit": "resource.prlimit(1, resource.RLIMIT_AS, (1, 1))",
  "makes it slow": "os.setpriority(os.PRIO_PROCESS, 1, 19)",
  "takes its processors": "os.sched_setaffinity(1, {0})",
  "takes a descriptor of it": "libc.syscall(438, libc.syscall(434, 1, 0), 0, 0)",
  "traces it": "libc.ptrace(16, 1, 0, 0)",
  "reads its memory": "open('/proc/1/mem', 'rb').read(1)",
  "has a child": "os.fork()",
  "writes on every descriptor":
    "for fd in range(3, 1024):\n    try: os.write(fd, bytes(1000))\n    except OSError: pass",
  "forges an end": "os.write(1, bytes([0, 8, 0, 0, 0]) + bytes(8)); os._exit(0)",
  "closes every descriptor": "os.closerange(0, 1024)",
  "changes its input": "os.write(0, b'x'); os.ftruncate(0, 0)",
  "calls its functions": "f = sys._getframe()\nwhile f.f_back: f = f.f_back\nf.f_globals['_supervise'](b'')",
  "changes the library": "builtins.print = builtins.input = json.loads = json.dumps = lambda *a: 'changed'",
  "hides threads": "threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()",
  "limits itself": "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0)); resource.setrlimit(resource.RLIMIT_AS, (1, 1))",
}
const source = (attack: string): string => `
import builtins, ctypes, json, os, resource, signal, sys, threading
libc = ctypes.CDLL(None)
seen = [n for n in ("leak", "lambda") if n in vars(builtins)], print.__name__, os.getpriority(0, 1) - os.getpriority(0, 0), sys.getrecursionlimit()
which = input()
if which == "attack":
    builtins.leak = 1
    sys.setrecursionlimit(5000)
    ${attack.replaceAll("\n", "\n    ")}
else:
    print(which, *seen, resource.getrlimit(resource.RLIMIT_NOFILE)[0], threading.active_count())
`
const say = (stdin: string): Sandbox.Test => ({ kind: "stdin", stdin })
const clean = (which: string): string => `${which} [] print 0 1000 64 1\n`

it.live("the supervisor withstands its tests", (context) =>
  Effect.gen(function* () {
    const made = yield* Effect.result(NativeSandbox.make({ processes: 1 }))
    if (Result.isFailure(made)) return context.skip(`no native sandbox here: ${made.failure.message}`)
    for (const [name, attack] of Object.entries(attacks)) {
      const outcomes = yield* made.success.run({
        language: "python",
        source: source(attack),
        tests: [say("attack"), say("after")],
        limits: { seconds: 10, totalSeconds: 60 },
      })
      const [attacked, after] = outcomes
      assert.notInclude(["timeout", "not-run"], attacked.status, name)
      assert.strictEqual(after.stdout, clean("after"), `${name}: ${after.error ?? after.stderr}`)
    }
  }),
)
