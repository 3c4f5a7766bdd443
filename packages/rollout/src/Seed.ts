/**
 * Named random streams. A run has one seed; each draw comes from a stream named by what it is for
 * (`7/sample/12/problem-3/0`), so that results depend neither on scheduling nor on how work is split.
 *
 * The name is hashed to 128 bits (cyrb128-style mixing of four 32-bit lanes) which seed an sfc32 generator.
 *
 * @module
 */
import "./SupportedNode.ts"

/** A stream of uniform 32-bit draws. @category models */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  readonly uniform: () => number
  /** Uniform integer in [low, high], both ends included. */
  readonly int: (low: number, high: number) => number
  /** Standard normal. */
  readonly normal: () => number
}

/** Four 32-bit words from a string. */
const hash128 = (name: string): [number, number, number, number] => {
  let a = 1779033703
  let b = 3144134277
  let c = 1013904242
  let d = 2773480762
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    a = b ^ Math.imul(a ^ code, 597399067)
    b = c ^ Math.imul(b ^ code, 2869860233)
    c = d ^ Math.imul(c ^ code, 951274213)
    d = a ^ Math.imul(d ^ code, 2716044179)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(d ^ (b >>> 22), 2869860233)
  c = Math.imul(a ^ (c >>> 17), 951274213)
  d = Math.imul(b ^ (d >>> 19), 2716044179)
  return [a ^ b ^ c ^ d, b ^ a, c ^ a, d ^ a]
}

/**
 * The stream of that name: the same name gives the same draws, on every machine.
 *
 * @category constructors
 */
export const stream = (name: string): Random => {
  let [a, b, c, d] = hash128(name)
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  const uniform = (): number => next() / 4294967296
  return {
    uniform,
    int: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  }
}

/**
 * A shuffled copy of `items` (Fisher-Yates), drawn from the stream of that name.
 *
 * @category combinators
 */
export const shuffle = <A>(items: ReadonlyArray<A>, name: string): Array<A> => {
  const random = stream(name)
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.int(0, i)
    const held = out[i]
    out[i] = out[j]!
    out[j] = held
  }
  return out
}
