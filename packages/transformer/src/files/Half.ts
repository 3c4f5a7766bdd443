/**
 * Sixteen-bit floats to float32 and back: F16 (IEEE binary16) and BF16 (the upper half of a float32). Rounding is to the nearest,
 * ties to even, as in PyTorch; values beyond the range of F16 become infinite.
 */

type HalfType = "F16" | "BF16"

const word = new Uint32Array(1)
const number = new Float32Array(word.buffer)

const bitsOf = (x: number): number => {
  number[0] = x
  return word[0]
}

const ofBits = (bits: number): number => {
  word[0] = bits
  return number[0]
}

/** Drops `count` low bits, rounding to the nearest, ties to even. */
const roundBits = (bits: number, count: number): number => {
  const half = 2 ** (count - 1)
  const odd = (bits >>> count) & 1
  return (bits + half - 1 + odd) >>> count
}

const toBf16 = (x: number): number => {
  const bits = bitsOf(x)
  // A NaN must not round to infinity.
  return Number.isNaN(x) ? (bits >>> 16) | 0x40 : roundBits(bits, 16) & 0xffff
}

const toF16 = (x: number): number => {
  const bits = bitsOf(x)
  const sign = (bits >>> 16) & 0x8000
  const size = bits & 0x7fffffff
  if (size > 0x7f800000) return sign | 0x7e00
  // 65,520 and above round to infinity.
  if (size >= 0x477ff000) return sign | 0x7c00
  if (size >= 0x38800000) return sign | roundBits(size - 0x38000000, 13)
  // Below 2^-14 the step is 2^-24; the product is exact, so only the rounding to even is left.
  const steps = Math.abs(x) * 2 ** 24
  const floor = Math.floor(steps)
  const rest = steps - floor
  return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0))
}

const fromF16 = (half: number): number => {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

let table: Float32Array | null = null
/** Every F16 as a float32, made on first use: 256 kB. */
const f16Table = (): Float32Array => (table ??= Float32Array.from({ length: 65_536 }, (_, half) => fromF16(half)))

/** Widens `from` into `to`, of the same length. @category encoding */
export const widen = (type: HalfType, from: Uint16Array, to: Float32Array): void => {
  if (type === "BF16") for (let i = 0; i < from.length; i++) to[i] = ofBits((from[i] << 16) >>> 0)
  else {
    const all = f16Table()
    for (let i = 0; i < from.length; i++) to[i] = all[from[i]]
  }
}

/** Rounds `from` into `to`, of the same length. @category encoding */
export const narrow = (type: HalfType, from: Float32Array, to: Uint16Array): void => {
  const round = type === "BF16" ? toBf16 : toF16
  for (let i = 0; i < from.length; i++) to[i] = round(from[i])
}
