// Norms, rotary embedding and gated activation, one pass over memory each.
import { dot, exp1, exp4 } from "./math"

/** y = x / rms(x) * gain over rows of d; normed = x / rms(x), scale [n] = 1 / rms(x). */
export function rmsNorm(n: i32, d: i32, epsilon: f32, x: usize, gain: usize, y: usize, normed: usize, scale: usize): void {
  for (let r = 0; r < n; r++) {
    const at: usize = <usize>r * (<usize>d << 2)
    const s: f32 = 1 / sqrt<f32>(dot(x + at, x + at, d) / <f32>d + epsilon)
    store<f32>(scale + (<usize>r << 2), s)
    const v = f32x4.splat(s)
    let i = 0
    for (; i + 4 <= d; i += 4) {
      const o = <usize>i << 2
      const z = f32x4.mul(v128.load(x + at + o), v)
      v128.store(normed + at + o, z)
      v128.store(y + at + o, f32x4.mul(z, v128.load(gain + o)))
    }
    for (; i < d; i++) {
      const o = <usize>i << 2
      const z = load<f32>(x + at + o) * s
      store<f32>(normed + at + o, z)
      store<f32>(y + at + o, z * load<f32>(gain + o))
    }
  }
}

/** dx and dGain [d]; both are overwritten. */
export function rmsNormBackward(n: i32, d: i32, dy: usize, normed: usize, scale: usize, gain: usize, dx: usize, dGain: usize): void {
  memory.fill(dGain, 0, <usize>d << 2)
  for (let r = 0; r < n; r++) {
    const at: usize = <usize>r * (<usize>d << 2)
    let sum: f32 = 0
    for (let i = 0; i < d; i++) {
      const o = <usize>i << 2
      const t = load<f32>(dy + at + o) * load<f32>(normed + at + o)
      store<f32>(dGain + o, load<f32>(dGain + o) + t)
      sum += t * load<f32>(gain + o)
    }
    const mean = f32x4.splat(sum / <f32>d)
    const s = f32x4.splat(load<f32>(scale + (<usize>r << 2)))
    let i = 0
    for (; i + 4 <= d; i += 4) {
      const o = <usize>i << 2
      const dn = f32x4.mul(v128.load(dy + at + o), v128.load(gain + o))
      v128.store(dx + at + o, f32x4.mul(f32x4.sub(dn, f32x4.mul(v128.load(normed + at + o), mean)), s))
    }
    for (; i < d; i++) {
      const o = <usize>i << 2
      const dn = load<f32>(dy + at + o) * load<f32>(gain + o)
      store<f32>(dx + at + o, (dn - load<f32>(normed + at + o) * f32x4.extract_lane(mean, 0)) * f32x4.extract_lane(s, 0))
    }
  }
}

/** y = x with its heads rotated; tables [time, size]; `sign` 1 rotates forth, -1 back. */
export function rope(sequences: i32, time: i32, heads: i32, size: i32, sign: f32, x: usize, cos: usize, sin: usize, y: usize): void {
  const half = size >> 1
  for (let s = 0; s < sequences; s++) {
    for (let t = 0; t < time; t++) {
      const c = cos + (<usize>(t * size) << 2)
      const n = sin + (<usize>(t * size) << 2)
      for (let h = 0; h < heads; h++) {
        const at: usize = <usize>(((s * time + t) * heads + h) * size) << 2
        for (let i = 0; i < half; i++) {
          const o = <usize>i << 2
          const a = load<f32>(x + at + o)
          const b = load<f32>(x + at + o + (<usize>half << 2))
          const ci = load<f32>(c + o)
          const si = load<f32>(n + o) * sign
          store<f32>(y + at + o, a * ci - b * si)
          store<f32>(y + at + o + (<usize>half << 2), b * ci + a * si)
        }
      }
    }
  }
}

/** y = silu(gate) * up over n floats. */
export function swiGlu(n: i32, gate: usize, up: usize, y: usize): void {
  const one = f32x4.splat(1)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const o = <usize>i << 2
    const g = v128.load(gate + o)
    const s = f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(g))))
    v128.store(y + o, f32x4.mul(f32x4.mul(g, s), v128.load(up + o)))
  }
  for (; i < n; i++) {
    const o = <usize>i << 2
    const g = load<f32>(gate + o)
    store<f32>(y + o, (g / (1 + exp1(-g))) * load<f32>(up + o))
  }
}

export function swiGluBackward(n: i32, dy: usize, gate: usize, up: usize, dGate: usize, dUp: usize): void {
  const one = f32x4.splat(1)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const o = <usize>i << 2
    const g = v128.load(gate + o)
    const d = v128.load(dy + o)
    const s = f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(g))))
    const silu = f32x4.mul(g, s)
    v128.store(dUp + o, f32x4.mul(d, silu))
    const slope = f32x4.add(s, f32x4.mul(silu, f32x4.sub(one, s)))
    v128.store(dGate + o, f32x4.mul(f32x4.mul(d, v128.load(up + o)), slope))
  }
  for (; i < n; i++) {
    const o = <usize>i << 2
    const g = load<f32>(gate + o)
    const d = load<f32>(dy + o)
    const s: f32 = 1 / (1 + exp1(-g))
    store<f32>(dUp + o, d * g * s)
    store<f32>(dGate + o, d * load<f32>(up + o) * (s + g * s * (1 - s)))
  }
}
