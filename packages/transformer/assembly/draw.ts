// Drawing tokens from rows of logits, [m, stride] with stride a multiple of 16.
import { C1, C2, C3, C4, C5, LOG2E, MAGIC, hold, power, unknownZero } from "./exp"
import { sum4 } from "./math"

/** Logits whose masses are added before they meet the running sum in float64. */
const BLOCK: i32 = 16

@inline
function blockSum(at: usize): f64 {
  return <f64>sum4(
    f32x4.add(f32x4.add(v128.load(at), v128.load(at, 16)), f32x4.add(v128.load(at, 32), v128.load(at, 48))),
  )
}

/**
 * Turns logits into masses exp((x - max) / temperature), the largest 1, in place; the padding gets 0. Temperature 0 leaves mass 1
 * to the first largest only. sums [m, 2] in float64: of the masses, and of exp(x - max).
 */
export function drawMasses(m: i32, vocabulary: i32, stride: i32, temperature: f64, logits: usize, sums: usize): void {
  const zero = unknownZero(m)
  const magic = hold(zero, MAGIC), one = hold(zero, 1), least = hold(zero, -126)
  const c1 = hold(zero, C1), c2 = hold(zero, C2), c3 = hold(zero, C3), c4 = hold(zero, C4), c5 = hold(zero, C5)
  const scale = hold(zero, LOG2E)
  const cooled = f32x4.splat(temperature == 0 ? LOG2E : <f32>(<f64>LOG2E / temperature))
  for (let r = 0; r < m; r++) {
    const row = logits + (<usize>(r * stride) << 2)
    const end = row + (<usize>stride << 2)
    for (let i = vocabulary; i < stride; i++) store<f32>(row + (<usize>i << 2), -Infinity)
    let top = v128.load(row)
    for (let at = row; at < end; at += 16) top = f32x4.max(top, v128.load(at))
    top = f32x4.max(top, v128.shuffle<f32>(top, top, 2, 3, 0, 1))
    top = f32x4.max(top, v128.shuffle<f32>(top, top, 1, 0, 3, 2))
    let raw: f64 = 0
    if (temperature != 1) {
      for (let at = row; at < end; at += 16) {
        const t = f32x4.pmax(f32x4.mul(f32x4.sub(v128.load(at), top), scale), least)
        raw += <f64>sum4(power(t, magic, one, c1, c2, c3, c4, c5))
      }
    }
    let total: f64 = 1
    if (temperature == 0) {
      let at = row
      while (at + 4 < end && load<f32>(at) != f32x4.extract_lane(top, 0)) at += 4
      memory.fill(row, 0, <usize>stride << 2)
      store<f32>(at, 1)
    } else {
      total = 0
      for (let at = row; at < end; at += 16) {
        const t = f32x4.mul(f32x4.sub(v128.load(at), top), cooled)
        // Too small to count is 0, as the padding is.
        v128.store(at, v128.and(power(f32x4.pmax(t, least), magic, one, c1, c2, c3, c4, c5), f32x4.gt(t, least)))
      }
      for (let at = row; at < end; at += BLOCK * 4) total += blockSum(at)
    }
    store<f64>(sums + (<usize>r << 4), total)
    store<f64>(sums + (<usize>r << 4), temperature == 1 ? total : raw, 8)
  }
}

/** One token per draw: the first whose cumulative mass exceeds u (in [0, 1)) times the total. `rows`, `uniforms` and `tokens` [n]. */
export function drawTokens(
  n: i32, stride: i32, masses: usize, sums: usize, rows: usize, uniforms: usize, tokens: usize,
): void {
  for (let d = 0; d < n; d++) {
    const r = load<i32>(rows + (<usize>d << 2))
    const row = masses + (<usize>(r * stride) << 2)
    const u = load<f64>(uniforms + (<usize>d << 3)) * load<f64>(sums + (<usize>r << 4))
    let sum: f64 = 0
    let token = -1
    for (let b = 0; b < stride && token < 0; b += BLOCK) {
      const at = row + (<usize>b << 2)
      const next = sum + blockSum(at)
      if (u >= next) {
        sum = next
        continue
      }
      for (let i = 0; i < BLOCK; i++) {
        const mass = load<f32>(at + (<usize>i << 2))
        if (mass == 0) continue
        // The block's last token with any mass gets what rounding leaves.
        token = b + i
        sum += <f64>mass
        if (u < sum) break
      }
    }
    // Rounding can leave u at the end of all masses: the last of them gets it.
    for (let i = stride - 1; token < 0 && i > 0; i--) if (load<f32>(row + (<usize>i << 2)) != 0) token = i
    store<i32>(tokens + (<usize>d << 2), max(token, 0))
  }
}
