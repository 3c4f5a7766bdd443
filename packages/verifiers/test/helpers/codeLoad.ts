/**
 * Mixed verifications with programs that hang, while sandbox processes are killed at random: the body of the quick and of the full
 * test. Every one must end in the verdict that it deserves: a process that is killed loses none.
 */
import { readdirSync, readFileSync } from "node:fs"
import { Seed } from "@lpo/rollout"
import { Code, Countdown, EmbeddedSandbox, type Task, Tasks, Verifier } from "@lpo/verifiers"
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"

const program = "print(int(input()) * 2)"
const tests = JSON.stringify({ inputs: ["2\n", "21\n"], outputs: ["4\n", "42\n"] })
const oneTest = JSON.stringify({ inputs: ["2\n"], outputs: ["4\n"] })
const hangs = [
  "while True: pass",
  "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
  "9 ** 9 ** 9",
  "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')",
  "import time\ntime.sleep(1000)",
]

interface Case {
  readonly item: Verifier.Item
  readonly correct: boolean
}

/** Sandbox processes of this process. */
const children = (): Array<number> =>
  readdirSync("/proc/self/task").flatMap((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number)
    } catch {
      return []
    }
  })

export interface Load {
  readonly count: number
  /** Shares of programs that end, and that hang; the rest is mathematics (where there is such a task) and Countdown. */
  readonly programs: number
  readonly hanging: number
  /** Seconds that a program which hangs is given. Those that end have 30: on a busy machine they must not be taken for hanging. */
  readonly seconds: number
  /** Verdicts between kills: by the clock, a busy machine would see its processes killed before they are up. */
  readonly killEvery: number
}

/** Runs the load and checks every verdict; how many there were, and how many kills. */
export const run = ({ count, hanging, killEvery, programs, seconds }: Load) =>
  Effect.gen(function* () {
    const random = Seed.stream("code load")
    const problems = Countdown.problems({ recipe: "countdown-34", count: 200, side: "train", seed: "load" })
    const solved = problems.map((p) => `<answer>${Countdown.solutions(p.nums, p.target, 1)[0]}</answer>`)
    const standard = yield* Tasks.standard
    const sandbox = yield* EmbeddedSandbox.make({ processes: 2 })
    const others = [...standard.values()].filter(({ name }) => name !== "code")
    const code = { name: "code", graders: Code.graders(sandbox, { limits: { seconds: 30, totalSeconds: 60 } }) }
    const short = { name: "short", graders: Code.graders(sandbox, { limits: { seconds } }) }
    const tasks = Tasks.make<Task.Judge>([...others, code, short])
    const make = (i: number): Case => {
      const of = (task: string, answer: unknown, text: string, correct: boolean): Case => ({
        item: { problem: { id: `${task}-${i}`, task, prompt: "", answer }, completion: { text, finish: "stop" } },
        correct,
      })
      const fate = random.uniform()
      const right = random.uniform() < 0.5
      if (fate < hanging)
        return of("short", oneTest, `\`\`\`python\n${hangs[random.int(0, hangs.length - 1)]}\n\`\`\``, false)
      if (fate < hanging + programs)
        return of("code", tests, `\`\`\`python\n${right ? program : "print(input())"}\n\`\`\``, right)
      if (fate < 0.4 && tasks.has("math"))
        return of("math", "\\frac{1}{2}", right ? "\\boxed{0.5}" : "\\boxed{0.6}", right)
      const k = random.int(0, problems.length - 1)
      return of("countdown", problems[k], right ? solved[k] : "<answer>1 + 1</answer>", right)
    }

    const before = new Set(children())
    let kills = 0
    const kill = () => {
      const mine = children().filter((pid) => !before.has(pid))
      if (mine.length === 0) return
      process.kill(mine[random.int(0, mine.length - 1)], "SIGKILL")
      kills++
    }
    const expected: Array<boolean> = []
    const items = Stream.fromIterable(
      (function* () {
        for (let i = 0; i < count; i++) {
          const { correct, item } = make(i)
          expected.push(correct)
          yield item
        }
      })(),
    )
    let done = 0
    let heap = 0
    const start = process.memoryUsage().rss
    yield* Verifier.stream(Tasks.verifier(tasks, "strict", { deadline: "5 minutes" }), items, {
      concurrency: 16,
      deadline: "5 minutes",
    }).pipe(
      Stream.runForEach((verdict) =>
        Effect.sync(() => {
          assert.strictEqual(verdict.status, "ok", verdict.reason)
          assert.strictEqual(verdict.correct, expected[done], `${done}: ${verdict.reason}`)
          done++
          if (done % killEvery === 0) kill()
          if (done % 500 === 0) heap = Math.max(heap, process.memoryUsage().rss - start)
        }),
      ),
    )
    assert.strictEqual(done, count)
    assert.isAtLeast(kills, 1)
    assert.isBelow(heap, 2 ** 29)
    return { done, kills, heap }
  }).pipe(Effect.scoped)
