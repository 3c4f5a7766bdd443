/**
 * `npm run bench -- simplex`: groups per second: rewards and log-ratios in, forward-KL coefficients c = softmax(s) - softmax(R / tau)
 * out, on one core, beside the same computation in TensorFlow.js on its CPU backend and in mathjs. The sides alternate in every
 * round, so a busy machine slows them alike; figures are medians over rounds.
 *
 * TensorFlow.js works group by group, as the others, and on a batch of 256 groups in one tensor; its faster way counts. It has
 * 32-bit floats where the others have 64. A peer's ratio is ours over theirs, the least of the three group sizes.
 */
import * as tf from "@tensorflow/tfjs-core"
import "@tensorflow/tfjs-backend-cpu"
import { Divergence, Fused, Projection, Target } from "@lpo/simplex"
import { all, create } from "mathjs"
import * as Arguments from "../shared/Arguments.ts"
import { columns, median } from "../shared/Figures.ts"

const { quick, ...options } = Arguments.read("npm run bench -- simplex", {
  rounds: Arguments.whole("timed rounds (7)", null),
  seconds: Arguments.number("of each side in a round", 0.25),
  quick: Arguments.flag("one round of a hundredth of a second"),
})
const rounds = options.rounds ?? (quick ? 1 : 7)
const seconds = quick ? 0.01 : options.seconds
const sizes = [8, 64, 1024]
const groups = 256
const tau = 0.5
const math = create(all)
await tf.setBackend("cpu")

/** The same groups for every side: binary rewards, log-ratios of a policy half a nat away. */
const data = (k: number) => {
  let state = k
  const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648
  const make = (f: () => number) => Array.from({ length: groups }, () => Float64Array.from({ length: k }, f))
  return { rewards: make(() => (random() < 0.5 ? 1 : 0)), s: make(() => random() - 0.5) }
}

/** mathjs types its results as scalars or matrices of any kind; those of arrays are arrays. */
const mathSoftmax = (x: Array<number>): Array<number> => {
  const e = math.map(math.subtract(x, math.max(x)) as unknown as Array<number>, Math.exp)
  return math.divide(e, math.sum(e)) as unknown as Array<number>
}
const tfCoefficients = (rewards: tf.Tensor, s: tf.Tensor) =>
  tf.tidy(() => tf.sub(tf.softmax(s), tf.softmax(tf.div(rewards, tau))).dataSync())

/** Each side as a function that works through all groups once and gives the first group's coefficients. */
const sides = (
  k: number,
  { rewards, s }: ReturnType<typeof data>,
): Readonly<Record<string, () => ArrayLike<number>>> => {
  const out = new Float64Array(k)
  const first = new Float64Array(k)
  const plain = { rewards: rewards.map((v) => [...v]), s: s.map((v) => [...v]) }
  const flat = (list: ReadonlyArray<Float64Array>) =>
    Float32Array.from({ length: groups * k }, (_, i) => list[Math.floor(i / k)][i % k])
  const singles = { rewards: rewards.map((v) => new Float32Array(v)), s: s.map((v) => new Float32Array(v)) }
  const [flatRewards, flatS] = [flat(rewards), flat(s)]
  return {
    simplex: () => {
      for (let g = groups - 1; g >= 0; g--) Fused.forwardKl(rewards[g], tau, s[g], null, g === 0 ? first : out)
      return first
    },
    "simplex, composed": () => {
      for (let g = groups - 1; g >= 0; g--) {
        const c = Projection.coefficients(Divergence.forwardKl, s[g], Target.logGibbs(rewards[g], tau), out)
        if (g === 0) first.set(c)
      }
      return first
    },
    mathjs: () => {
      let c: Array<number> = []
      for (let g = groups - 1; g >= 0; g--) {
        const scaled = math.divide(plain.rewards[g], tau) as Array<number>
        c = math.subtract(mathSoftmax(plain.s[g]), mathSoftmax(scaled))
      }
      return c
    },
    "tfjs, one by one": () => {
      let c: ArrayLike<number> = []
      for (let g = groups - 1; g >= 0; g--) {
        const [r, x] = [tf.tensor1d(singles.rewards[g]), tf.tensor1d(singles.s[g])]
        c = tfCoefficients(r, x)
        tf.dispose([r, x])
      }
      return c
    },
    "tfjs, batched": () => {
      const [r, x] = [tf.tensor2d(flatRewards, [groups, k]), tf.tensor2d(flatS, [groups, k])]
      const c = tfCoefficients(r, x)
      tf.dispose([r, x])
      return c.subarray(0, k)
    },
  }
}

/** Groups per second of one side over about the given time. */
const rate = (pass: () => unknown, time: number): number => {
  const started = performance.now()
  let passes = 0
  while (performance.now() - started < 1e3 * time) {
    pass()
    passes++
  }
  return (1e3 * passes * groups) / (performance.now() - started)
}

const results: Record<number, Readonly<Record<string, number>>> = {}
for (const k of sizes) {
  const passes = Object.entries(sides(k, data(k)))
  const expected = Array.from(passes[0][1]())
  for (const [name, pass] of passes) {
    const worst = Math.max(...Array.from(pass(), (v, i) => Math.abs(v - expected[i])))
    if (!(worst < (name.startsWith("tfjs") ? 1e-6 : 1e-14))) throw new Error(`${name} is ${worst} away at K = ${k}`)
  }
  const rates = Object.fromEntries(passes.map(([name]) => [name, [] as Array<number>]))
  // Round -1 warms up.
  for (let round = -1; round < rounds; round++)
    for (const [name, pass] of passes) {
      const r = rate(pass, seconds)
      if (round >= 0) rates[name].push(r)
    }
  results[k] = Object.fromEntries(Object.entries(rates).map(([name, list]) => [name, median(list)]))
}

const names = Object.keys(results[8])
const peer = (k: number, name: string) => Math.max(...names.filter((n) => n.startsWith(name)).map((n) => results[k][n]))
const ratio = (k: number, name: string) => results[k]["simplex"] / peer(k, name)
const peers = ["tfjs", "mathjs"]
console.log(
  columns([
    [`groups/s, median of ${rounds} rounds`, ...sizes.map((k) => `K = ${k}`)],
    ...names.map((name) => [name].concat(sizes.map((k) => results[k][name].toFixed(0)))),
    ...peers.map((name) => [`times ${name}`].concat(sizes.map((k) => ratio(k, name).toFixed(1)))),
  ]),
)

// What a million groups leave on the heap: the collector runs before and after where it is exposed.
{
  const { rewards, s } = data(8)
  const out = new Float64Array(8)
  const run = (n: number) => {
    for (let i = 0; i < n; i++) Fused.forwardKl(rewards[i % groups], tau, s[i % groups], null, out)
  }
  run(1e5)
  const before = process.memoryUsage().heapUsed
  run(1e6)
  console.log(`heap grown over a million groups of 8: ${process.memoryUsage().heapUsed - before} bytes`)
}

const round = (x: number) => Math.round(x * 10) / 10
console.log(
  JSON.stringify({
    bench: "simplex",
    groupsPerSecond: Object.fromEntries(sizes.map((k) => [k, Math.round(results[k]["simplex"])])),
    ratios: Object.fromEntries(peers.map((name) => [name, round(Math.min(...sizes.map((k) => ratio(k, name))))])),
  }),
)
