// The softmax over the vocabulary, one row of logits at a time, in place.
import { exp1, exp4, max4 } from "./math"

@inline
function peakOf(size: i32, row: usize): f32 {
  let top = f32x4.splat(-Infinity)
  let i = 0
  for (; i + 4 <= size; i += 4) top = f32x4.max(top, v128.load(row + (<usize>i << 2)))
  let peak = max4(top)
  for (; i < size; i++) peak = max(peak, load<f32>(row + (<usize>i << 2)))
  return peak
}

/** Per row of logits [m, size]: logit of its target minus the peak, and the sum of exp(logit - peak), [m, 2]; sums in float64. */
export function headForward(m: i32, size: i32, logits: usize, targets: usize, out: usize): void {
  for (let r = 0; r < m; r++) {
    const peak = peakOf(size, logits)
    const shift = f32x4.splat(peak)
    let low = f64x2.splat(0), high = f64x2.splat(0)
    let i = 0
    for (; i + 4 <= size; i += 4) {
      const e = exp4(f32x4.sub(v128.load(logits + (<usize>i << 2)), shift))
      low = f64x2.add(low, f64x2.promote_low_f32x4(e))
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(e, e, 2, 3, 2, 3)))
    }
    const both = f64x2.add(low, high)
    let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
    for (; i < size; i++) sum += <f64>exp1(load<f32>(logits + (<usize>i << 2)) - peak)
    const target = load<f32>(logits + (<usize>load<i32>(targets) << 2))
    store<f64>(out, <f64>target - <f64>peak)
    store<f64>(out, sum, 8)
    targets += 4
    out += 16
    logits += <usize>size << 2
  }
}

/** logits := weight (1 at the target - softmax(logits)), row by row; `weights` [m]. */
export function headBackward(m: i32, size: i32, logits: usize, targets: usize, weights: usize): void {
  for (let r = 0; r < m; r++) {
    const peak = peakOf(size, logits)
    const shift = f32x4.splat(peak)
    let low = f64x2.splat(0), high = f64x2.splat(0)
    let i = 0
    for (; i + 4 <= size; i += 4) {
      const at = logits + (<usize>i << 2)
      const e = exp4(f32x4.sub(v128.load(at), shift))
      v128.store(at, e)
      low = f64x2.add(low, f64x2.promote_low_f32x4(e))
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(e, e, 2, 3, 2, 3)))
    }
    const both = f64x2.add(low, high)
    let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
    for (; i < size; i++) {
      const at = logits + (<usize>i << 2)
      const e = exp1(load<f32>(at) - peak)
      store<f32>(at, e)
      sum += <f64>e
    }
    const weight = load<f32>(weights)
    const factor: f32 = <f32>(-<f64>weight / sum)
    const f4 = f32x4.splat(factor)
    for (i = 0; i + 4 <= size; i += 4) {
      const at = logits + (<usize>i << 2)
      v128.store(at, f32x4.mul(v128.load(at), f4))
    }
    for (; i < size; i++) store<f32>(logits + (<usize>i << 2), load<f32>(logits + (<usize>i << 2)) * factor)
    const hit = logits + (<usize>load<i32>(targets) << 2)
    store<f32>(hit, load<f32>(hit) + weight)
    targets += 4
    weights += 4
    logits += <usize>size << 2
  }
}
