/** Rows for the reward server whose verdict is known, invalid rows, and invalid requests. */
import { Countdown } from "@lpo/verifiers"
import type { Seed } from "@lpo/rollout"

type Random = ReturnType<typeof Seed.stream>

/** A row, and the score of its verdict; null where it must be an error of its own. */
export interface Item {
  readonly row: unknown
  readonly score: number | null
}

const problems = Countdown.problems({ recipe: "countdown-34", count: 100, side: "train", seed: "attacks" })
const solved = problems.map(({ nums, target }) => `<answer>${Countdown.solutions(nums, target, 1)[0]}</answer>`)
const double = JSON.stringify({ inputs: ["2\n", "21\n"], outputs: ["4\n", "42\n"] })
const python = (code: string): string => `\`\`\`python\n${code}\n\`\`\``
/** Programs that are wrong in ways that cost. */
const evil = [
  "x = 'x' * 4_000_000\nprint(x)",
  "import sys\nsys.stderr.write('bwrap: no room')\nsys.exit(125)",
  "while True: pass",
  "x = [0]\nwhile True: x += x",
  "import os\nos.abort()",
].map(python)
/** Values that are not rows, or rows whose answer does not fit their task. */
const broken = [
  null,
  3,
  "row",
  [],
  {},
  { id: "a", task: "countdown" },
  { id: {}, task: "countdown", answer: { nums: [1], target: 1 }, response: "1" },
  { id: "a", task: "nobody's", answer: 1, response: "1" },
  { id: "a", task: "countdown", answer: "?", response: "1" },
  { id: "a", task: "countdown", answer: { nums: [1, 2], target: 3 }, response: 12 },
  { id: "a", task: "code", answer: "{", response: "1" },
  { id: "a", task: "__proto__", answer: 1, response: "1" },
]

export const item = (random: Random, id: string): Item => {
  const pick = <A>(from: ReadonlyArray<A>): A => from[random.int(0, from.length - 1)]
  const fate = random.uniform()
  const isRight = random.uniform() < 0.5
  const of = (task: string, answer: unknown, response: string, score = Number(isRight)): Item => ({
    row: { id, task, answer, response },
    score,
  })
  if (fate < 0.02) return { row: pick(broken), score: null }
  if (fate < 0.024) return of("code", double, python(isRight ? "print(int(input()) * 2)" : "print(input())"))
  if (fate < 0.0242) return of("code", double, pick(evil), 0)
  if (fate < 0.3) return of("math", "\\frac{1}{2}", `\\boxed{${isRight ? "0.5" : pick(["0.6", "9^{9^{9}}", "x!"])}}`)
  if (fate < 0.4) return of("geometry3k", "4 \\pi", `\\boxed{${isRight ? "4\\pi" : "12.57"}}`)
  const k = random.int(0, problems.length - 1)
  return of("countdown", problems[k], isRight ? solved[k] : pick(["<answer>1 + 1</answer>", "no", "("]))
}

const post = (body: string | Buffer, more = ""): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /v1/verify/batch HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}\r\n`,
    ),
    Buffer.from(body),
  ])
const get = (target: string): Buffer => Buffer.from(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)

/** Bytes that our client never sends, and the correct answers; `null` is a connection that ends without one. */
export const malformed: ReadonlyArray<readonly [name: string, bytes: Buffer, answers: ReadonlyArray<number | null>]> = [
  ["two slashes", get("//"), [404]],
  ["a backslash", get("/\\"), [404]],
  ["an invalid port", get("http://a:99999999/v2"), [404]],
  ["not JSON", post("{"), [400]],
  ["half of a pair", post('{"items":["\\ud800"'), [400]],
  ["not UTF-8", post(Buffer.of(0x22, 0xff, 0x22)), [400]],
  ["a list", post("[]"), [400]],
  ["items that are not a list", post('{"items":{"length":1000000000}}'), [400]],
  ["an unknown mode", post('{"items":[],"mode":"reference:nobody"}'), [400]],
  ["a mode of the language", post('{"items":[],"mode":"__proto__"}'), [400]],
  ["deep nesting", post(`{"items":${"[".repeat(200_000)}${"]".repeat(200_000)}}`), [200, 400]],
  ["two lengths", post("{}", "content-length: 5\r\n"), [400]],
  ["a length and pieces", post("{}", "transfer-encoding: chunked\r\n"), [400]],
  ["an invalid length", Buffer.from("POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n"), [400]],
  [
    "pieces without a size",
    Buffer.from("POST /v1/verify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
    [400],
  ],
  ["headers without end", Buffer.from(`GET /health HTTP/1.1\r\n${"a: b\r\n".repeat(5000)}`), [431]],
  ["not HTTP", Buffer.from("\u0016\u0003\u0001 hello\r\n\r\n"), [400]],
  ["a tunnel", Buffer.from("CONNECT elsewhere:443 HTTP/1.1\r\nhost: x\r\n\r\n"), [405]],
]
