/** Countdown answers in the words of models, right and wrong, and texts made of the pieces that break readers. */
import { Seed } from "@lpo/rollout"
import { Countdown } from "@lpo/verifiers"

export interface CountdownInput {
  readonly kind: string
  readonly response: string
  readonly gold: { readonly nums: ReadonlyArray<number>; readonly target: number }
}

const pick = <A>(random: Seed.Random, list: ReadonlyArray<A>): A => list[random.int(0, list.length - 1)]

const expression = (random: Seed.Random, nums: ReadonlyArray<number>): string => {
  if (nums.length === 1) return String(nums[0])
  const cut = random.int(1, nums.length - 1)
  const [left, right] = [expression(random, nums.slice(0, cut)), expression(random, nums.slice(cut))]
  const op = pick(random, ["+", "-", "*", "/", " + ", " - ", " * ", " / "])
  return random.uniform() < 0.5 ? `(${left}${op}${right})` : `${left}${op}${right}`
}

/** The value as a double, to choose a target near it; NaN where there is none. */
const valueOf = (text: string): number => {
  const parsed = Countdown.Expression.parse(text)
  return typeof parsed === "string" ? Number.NaN : Number(parsed.value.num) / Number(parsed.value.den)
}

const changes: ReadonlyArray<(e: string, random: Seed.Random) => string> = [
  (e) => e,
  (e) => e,
  (e) => ` ${e} `,
  (e) => `${e} = 24`,
  (e) => `${e}.`,
  (e) => `${e} + 0`,
  (e) => `\n${e}\n`,
  (e) => e.replace("*", "**"),
  (e) => e.replace("/", "//"),
  (e) => e.replace("*", "\u00d7"),
  (e) => e.replace("-", "\u2212"),
  (e) => e.replace("/", "\u00f7"),
  (e) => e.replace("*", "x"),
  (e) => e.replaceAll(" ", ""),
  (e) => e.replace(/\d+/, (n) => `0${n}`),
  (e) => e.replace(/\d+/, (n) => `${n}.0`),
  (e) => e.replace(/\d+/, (n) => `${n}.`),
  (e) => e.replace(/\d+/, (n) => `-${n}`),
  (e) => e.replace(/\d+/, (n) => `${n}!`),
  (e) => e.replace(/\d+/, (n) => `sqrt(${n})`),
  (e) => e.replace(/\d+/, (n) => `${n}e0`),
  (e) => e.replace(/\d+/, (n) => `${n}_0`),
  (e) => e.replace(/(\d+)/, "($1)($1)"),
  (e) => `${e} # done`,
  (e) => `$${e}$`,
  (e) => `\\boxed{${e}}`,
  (e) => e.replace("(", ""),
  (e) => `(${e}`,
  (e) => `--${e}`,
  (e) => `+${e}`,
  (e) => `~${e}`,
  (e) => e.replace("+", "%"),
  (e) => e.replace("+", "^"),
  (e) => e.replace("+", ","),
  (e) => e.replace("+", "=="),
  (e) => e.replace("+", " and "),
  (e) => e.replace(/\d/, (n) => String.fromCodePoint(0x660 + Number(n))),
  (e) => e.replace(/\d/, (n) => String.fromCodePoint(0xff10 + Number(n))),
  (e, r) => {
    const at = r.int(0, e.length)
    return (
      e.slice(0, at) +
      pick(r, ["+", "-", "*", "/", "(", ")", ".", " ", "7", "e", "x", "\t", "\u00a0", "'", ";", "pi"]) +
      e.slice(at)
    )
  },
  (e, r) => {
    const at = r.int(0, e.length - 1)
    return e.slice(0, at) + e.slice(at + 1)
  },
]

const around: ReadonlyArray<(tag: string) => string> = [
  (t) => t,
  (t) => t,
  (t) => `<think>so</think> ${t}`,
  (t) => `${t}\nDone.`,
  (t) => `${t} and more`,
  (t) => `<answer>1 + 1</answer> then ${t}`,
  (t) => `${t} then <answer>1 + 1</answer>`,
  (t) => `<answer>${t}`,
  (t) => t.replace("</answer>", ""),
  (t) => t.replaceAll("answer", "ANSWER"),
]

export const inputs = (count: number, seed: string): ReadonlyArray<CountdownInput> => {
  const random = Seed.stream(`graders/countdown/${seed}`)
  return Array.from({ length: count }, () => {
    const nums = Array.from({ length: random.int(1, 4) }, () => random.int(0, random.uniform() < 0.5 ? 9 : 60))
    const plain = expression(random, nums)
    const changed = pick(random, changes)(plain, random)
    const value = valueOf(random.uniform() < 0.5 ? plain : changed)
    const target = Number.isFinite(value) && random.uniform() < 0.85 ? Math.round(value * 1e6) / 1e6 : random.int(1, 99)
    return {
      kind: "countdown",
      response: pick(random, around)(`<answer>${changed}</answer>`),
      gold: { nums, target: Number.isInteger(target) ? target : Math.round(target) },
    }
  })
}
