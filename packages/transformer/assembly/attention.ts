// Causal attention with grouped key and value heads, straight on rows [sequences * time, heads * size]: no head transposes,
// only the causal triangle is computed.
import { axpy, dot, exp4, exp1 } from "./math"

/** In place: exp(x - max) of n floats; gives their sum. */
function expInPlace(x: usize, n: i32, peak: f32): f32 {
  const top = f32x4.splat(peak)
  let sum: f32 = 0
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const at = x + (<usize>i << 2)
    const e = exp4(f32x4.sub(v128.load(at), top))
    v128.store(at, e)
    sum += f32x4.extract_lane(e, 0) + f32x4.extract_lane(e, 1) + (f32x4.extract_lane(e, 2) + f32x4.extract_lane(e, 3))
  }
  for (; i < n; i++) {
    const at = x + (<usize>i << 2)
    const e = exp1(load<f32>(at) - peak)
    store<f32>(at, e)
    sum += e
  }
  return sum
}

/** y [sequences * time, heads * size]; probabilities [sequences, heads, time, time], zero above the diagonal. */
export function attention(
  sequences: i32, time: i32, heads: i32, kvHeads: i32, size: i32,
  q: usize, k: usize, v: usize, y: usize, probabilities: usize,
): void {
  const scale: f32 = <f32>(1.0 / Math.sqrt(<f64>size))
  const rowQ: usize = <usize>(heads * size) << 2
  const rowK: usize = <usize>(kvHeads * size) << 2
  const group = heads / kvHeads
  memory.fill(y, 0, <usize>(sequences * time) * rowQ)
  memory.fill(probabilities, 0, <usize>(sequences * heads * time * time) << 2)
  for (let s = 0; s < sequences; s++) {
    for (let h = 0; h < heads; h++) {
      const headQ: usize = <usize>(s * time) * rowQ + (<usize>(h * size) << 2)
      const headK: usize = <usize>(s * time) * rowK + (<usize>((h / group) * size) << 2)
      let p = probabilities + (<usize>((s * heads + h) * time * time) << 2)
      for (let i = 0; i < time; i++) {
        const qi = q + headQ + <usize>i * rowQ
        let peak: f32 = -Infinity
        for (let j = 0; j <= i; j++) {
          const score = dot(qi, k + headK + <usize>j * rowK, size) * scale
          store<f32>(p + (<usize>j << 2), score)
          if (score > peak) peak = score
        }
        const inverse: f32 = 1 / expInPlace(p, i + 1, peak)
        const yi = y + headQ + <usize>i * rowQ
        for (let j = 0; j <= i; j++) {
          const w = load<f32>(p + (<usize>j << 2)) * inverse
          store<f32>(p + (<usize>j << 2), w)
          axpy(w, v + headK + <usize>j * rowK, yi, size)
        }
        p += <usize>time << 2
      }
    }
  }
}

/** Gradients by q, k and v, which are overwritten; `scratch` holds `time` floats. */
export function attentionBackward(
  sequences: i32, time: i32, heads: i32, kvHeads: i32, size: i32,
  dy: usize, q: usize, k: usize, v: usize, probabilities: usize, dq: usize, dk: usize, dv: usize, scratch: usize,
): void {
  const scale: f32 = <f32>(1.0 / Math.sqrt(<f64>size))
  const rowQ: usize = <usize>(heads * size) << 2
  const rowK: usize = <usize>(kvHeads * size) << 2
  const group = heads / kvHeads
  memory.fill(dq, 0, <usize>(sequences * time) * rowQ)
  memory.fill(dk, 0, <usize>(sequences * time) * rowK)
  memory.fill(dv, 0, <usize>(sequences * time) * rowK)
  for (let s = 0; s < sequences; s++) {
    for (let h = 0; h < heads; h++) {
      const headQ: usize = <usize>(s * time) * rowQ + (<usize>(h * size) << 2)
      const headK: usize = <usize>(s * time) * rowK + (<usize>((h / group) * size) << 2)
      let p = probabilities + (<usize>((s * heads + h) * time * time) << 2)
      for (let i = 0; i < time; i++) {
        const at = headQ + <usize>i * rowQ
        let inner: f32 = 0
        for (let j = 0; j <= i; j++) {
          const w = load<f32>(p + (<usize>j << 2))
          const dw = dot(dy + at, v + headK + <usize>j * rowK, size)
          store<f32>(scratch + (<usize>j << 2), dw)
          inner += w * dw
          axpy(w, dy + at, dv + headK + <usize>j * rowK, size)
        }
        for (let j = 0; j <= i; j++) {
          const ds = load<f32>(p + (<usize>j << 2)) * (load<f32>(scratch + (<usize>j << 2)) - inner) * scale
          axpy(ds, k + headK + <usize>j * rowK, dq + at, size)
          axpy(ds, q + at, dk + headK + <usize>j * rowK, size)
        }
        p += <usize>time << 2
      }
    }
  }
}
