// Norms, rotary embedding, gated activation and rows of tables: one pass over memory each, eight floats at a time.
import { dot, exp1, exp4, tanh1, tanh4 } from "./math"
import { madd } from "./tile"

/** y = x * scale * gain over rows of d, with scale [n] = 1 / rms(x). */
export function rmsNorm(n: i32, d: i32, epsilon: f32, x: usize, gain: usize, y: usize, scale: usize): void {
  for (let r = 0; r < n; r++) {
    const s: f32 = 1 / sqrt<f32>(dot(x, x, d) / <f32>d + epsilon)
    store<f32>(scale + (<usize>r << 2), s)
    const v = f32x4.splat(s)
    let i = 0
    for (; i + 8 <= d; i += 8) {
      const o = <usize>i << 2
      const y0 = f32x4.mul(f32x4.mul(v128.load(x + o), v), v128.load(gain + o))
      const y1 = f32x4.mul(f32x4.mul(v128.load(x + o, 16), v), v128.load(gain + o, 16))
      v128.store(y + o, y0); v128.store(y + o, y1, 16)
    }
    for (; i < d; i++) {
      const o = <usize>i << 2
      store<f32>(y + o, load<f32>(x + o) * s * load<f32>(gain + o))
    }
    x += <usize>d << 2
    y += <usize>d << 2
  }
}

/** dx = plus + gradient (plus is 0 for none, and may be dx), dGain [d] += gradient; `scratch` holds d floats. */
export function rmsNormBackward(
  n: i32, d: i32, dy: usize, x: usize, scale: usize, gain: usize, plus: usize, dx: usize, dGain: usize, scratch: usize,
): void {
  const row: usize = <usize>d << 2
  memory.fill(scratch, 0, row)
  for (let r = 0; r < n; r++) {
    const s: f32 = load<f32>(scale + (<usize>r << 2))
    const s4 = f32x4.splat(s)
    let sum0 = f32x4.splat(0), sum1 = f32x4.splat(0)
    let i = 0
    for (; i + 8 <= d; i += 8) {
      const o = <usize>i << 2
      const t0 = f32x4.mul(f32x4.mul(v128.load(x + o), s4), v128.load(dy + o))
      const t1 = f32x4.mul(f32x4.mul(v128.load(x + o, 16), s4), v128.load(dy + o, 16))
      v128.store(scratch + o, f32x4.add(v128.load(scratch + o), t0))
      v128.store(scratch + o, f32x4.add(v128.load(scratch + o, 16), t1), 16)
      sum0 = madd(sum0, t0, v128.load(gain + o))
      sum1 = madd(sum1, t1, v128.load(gain + o, 16))
    }
    const all = f32x4.add(sum0, sum1)
    let sum: f32 =
      f32x4.extract_lane(all, 0) + f32x4.extract_lane(all, 1) + (f32x4.extract_lane(all, 2) + f32x4.extract_lane(all, 3))
    for (; i < d; i++) {
      const o = <usize>i << 2
      const t = load<f32>(x + o) * s * load<f32>(dy + o)
      store<f32>(scratch + o, load<f32>(scratch + o) + t)
      sum += t * load<f32>(gain + o)
    }
    // dx = s (dy gain - x s mean(dy gain x s))
    const pull: f32 = (-sum / <f32>d) * s * s
    const p4 = f32x4.splat(pull)
    i = 0
    for (; i + 8 <= d; i += 8) {
      const o = <usize>i << 2
      let g0 = f32x4.mul(f32x4.mul(v128.load(dy + o), v128.load(gain + o)), s4)
      let g1 = f32x4.mul(f32x4.mul(v128.load(dy + o, 16), v128.load(gain + o, 16)), s4)
      g0 = madd(g0, v128.load(x + o), p4)
      g1 = madd(g1, v128.load(x + o, 16), p4)
      if (plus) {
        v128.store(dx + o, f32x4.add(v128.load(plus + o), g0)); v128.store(dx + o, f32x4.add(v128.load(plus + o, 16), g1), 16)
      } else {
        v128.store(dx + o, g0); v128.store(dx + o, g1, 16)
      }
    }
    for (; i < d; i++) {
      const o = <usize>i << 2
      const g = load<f32>(dy + o) * load<f32>(gain + o) * s + load<f32>(x + o) * pull
      store<f32>(dx + o, plus ? load<f32>(plus + o) + g : g)
    }
    x += row
    dy += row
    dx += row
    if (plus) plus += row
  }
  add(d, scratch, dGain)
}

/** y += x over n floats. */
export function add(n: i32, x: usize, y: usize): void {
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const o = <usize>i << 2
    const y0 = f32x4.add(v128.load(y + o), v128.load(x + o)), y1 = f32x4.add(v128.load(y + o, 16), v128.load(x + o, 16))
    v128.store(y + o, y0); v128.store(y + o, y1, 16)
  }
  for (; i < n; i++) store<f32>(y + (<usize>i << 2), load<f32>(y + (<usize>i << 2)) + load<f32>(x + (<usize>i << 2)))
}

/** y [d] += sums of the columns of x [n, d]. */
export function addRows(n: i32, d: i32, x: usize, y: usize): void {
  for (let r = 0; r < n; r++) add(d, x + (<usize>(r * d) << 2), y)
}

/** Every row of y [n, d] += x [d]. */
export function addToRows(n: i32, d: i32, x: usize, y: usize): void {
  for (let r = 0; r < n; r++) add(d, x, y + (<usize>(r * d) << 2))
}

/** In place: heads of x [n, heads * size] rotated; row r stands at positions[r]; tables [time, size]; `sign` -1 rotates back. */
export function rope(n: i32, heads: i32, size: i32, sign: f32, x: usize, positions: usize, cos: usize, sin: usize): void {
  const half = size >> 1
  const up: usize = <usize>half << 2
  const s4 = f32x4.splat(sign)
  for (let r = 0; r < n; r++) {
    const o: usize = <usize>(load<i32>(positions + (<usize>r << 2)) * size) << 2
    for (let h = 0; h < heads; h++) {
      let i = 0
      for (; i + 4 <= half; i += 4) {
        const e = <usize>i << 2
        const a = v128.load(x + e), b = v128.load(x + e + up)
        const c = v128.load(cos + o + e), n4 = f32x4.mul(v128.load(sin + o + e), s4)
        v128.store(x + e, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, n4)))
        v128.store(x + e + up, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, n4)))
      }
      for (; i < half; i++) {
        const e = <usize>i << 2
        const a = load<f32>(x + e), b = load<f32>(x + e + up)
        const c = load<f32>(cos + o + e), n1 = load<f32>(sin + o + e) * sign
        store<f32>(x + e, a * c - b * n1)
        store<f32>(x + e + up, b * c + a * n1)
      }
      x += <usize>size << 2
    }
  }
}

/** x (a + b x^2): with (1, 0) x itself, to the bit. */
@inline
export function inner(x: v128, a: v128, b: v128): v128 {
  return f32x4.mul(x, f32x4.add(a, f32x4.mul(b, f32x4.mul(x, x))))
}

/**
 * y = gate sigmoid(gate (a + b gate^2)) up over n floats: SwiGLU with (1, 0); with (2 c, 2 c 0.044715), c = sqrt(2 / pi), the GELU
 * by tanh.
 */
export function glu(n: i32, a: f32, b: f32, gate: usize, up: usize, y: usize): void {
  const one = f32x4.splat(1)
  const a4 = f32x4.splat(a), b4 = f32x4.splat(b)
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const o = <usize>i << 2
    const g0 = v128.load(gate + o), g1 = v128.load(gate + o, 16)
    const t0 = f32x4.mul(g0, v128.load(up + o)), t1 = f32x4.mul(g1, v128.load(up + o, 16))
    const y0 = f32x4.div(t0, f32x4.add(one, exp4(f32x4.mul(inner(g0, a4, b4), f32x4.splat(-1)))))
    const y1 = f32x4.div(t1, f32x4.add(one, exp4(f32x4.mul(inner(g1, a4, b4), f32x4.splat(-1)))))
    v128.store(y + o, y0); v128.store(y + o, y1, 16)
  }
  for (; i < n; i++) {
    const o = <usize>i << 2
    const g = load<f32>(gate + o)
    store<f32>(y + o, (g * load<f32>(up + o)) / (1 + exp1(-(g * (a + b * (g * g))))))
  }
}

/** dGate and dUp, which may be `gate` and `up` themselves. */
export function gluBackward(n: i32, a: f32, b: f32, dy: usize, gate: usize, up: usize, dGate: usize, dUp: usize): void {
  const one = f32x4.splat(1)
  const a4 = f32x4.splat(a), b4 = f32x4.splat(b), b3 = f32x4.splat(3 * b)
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const o = <usize>i << 2
    const g0 = v128.load(gate + o), g1 = v128.load(gate + o, 16)
    const d0 = v128.load(dy + o), d1 = v128.load(dy + o, 16)
    const s0 = f32x4.div(one, f32x4.add(one, exp4(f32x4.mul(inner(g0, a4, b4), f32x4.splat(-1)))))
    const s1 = f32x4.div(one, f32x4.add(one, exp4(f32x4.mul(inner(g1, a4, b4), f32x4.splat(-1)))))
    const y0 = f32x4.mul(g0, s0), y1 = f32x4.mul(g1, s1)
    // The slope of x sigmoid(u) is sigmoid + x u' sigmoid (1 - sigmoid), u' = a + 3 b x^2.
    const u0 = f32x4.add(a4, f32x4.mul(b3, f32x4.mul(g0, g0))), u1 = f32x4.add(a4, f32x4.mul(b3, f32x4.mul(g1, g1)))
    const slope0 = madd(s0, f32x4.mul(y0, u0), f32x4.sub(one, s0)), slope1 = madd(s1, f32x4.mul(y1, u1), f32x4.sub(one, s1))
    const x0 = f32x4.mul(f32x4.mul(d0, v128.load(up + o)), slope0), x1 = f32x4.mul(f32x4.mul(d1, v128.load(up + o, 16)), slope1)
    v128.store(dGate + o, x0); v128.store(dGate + o, x1, 16)
    v128.store(dUp + o, f32x4.mul(d0, y0)); v128.store(dUp + o, f32x4.mul(d1, y1), 16)
  }
  for (; i < n; i++) {
    const o = <usize>i << 2
    const g = load<f32>(gate + o)
    const d = load<f32>(dy + o)
    const s: f32 = 1 / (1 + exp1(-(g * (a + b * (g * g)))))
    const slope = s + g * (a + 3 * b * (g * g)) * s * (1 - s)
    store<f32>(dGate + o, d * load<f32>(up + o) * slope)
    store<f32>(dUp + o, d * g * s)
  }
}

/** y = cap tanh(x / cap) over n floats. */
export function softCap(n: i32, cap: f32, x: usize, y: usize): void {
  const inverse = f32x4.splat(1 / cap), most = f32x4.splat(cap)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const o = <usize>i << 2
    v128.store(y + o, f32x4.mul(tanh4(f32x4.mul(v128.load(x + o), inverse)), most))
  }
  for (; i < n; i++) store<f32>(y + (<usize>i << 2), cap * tanh1(load<f32>(x + (<usize>i << 2)) * (1 / cap)))
}

/** dx = dy (1 - tanh(x / cap)^2); dx may be dy or x. */
export function softCapBackward(n: i32, cap: f32, dy: usize, x: usize, dx: usize): void {
  const inverse = f32x4.splat(1 / cap), one = f32x4.splat(1)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const o = <usize>i << 2
    const t = tanh4(f32x4.mul(v128.load(x + o), inverse))
    v128.store(dx + o, f32x4.mul(v128.load(dy + o), f32x4.sub(one, f32x4.mul(t, t))))
  }
  for (; i < n; i++) {
    const o = <usize>i << 2
    const t = tanh1(load<f32>(x + o) * (1 / cap))
    store<f32>(dx + o, load<f32>(dy + o) * (1 - t * t))
  }
}

/** Row r of y [n, d] is row ids[r] of x. */
export function gatherRows(n: i32, d: i32, x: usize, ids: usize, y: usize): void {
  const row: usize = <usize>d << 2
  for (let r = 0; r < n; r++) memory.copy(y + <usize>r * row, x + <usize>load<i32>(ids + (<usize>r << 2)) * row, row)
}

/** Row ids[r] of y += row r of x [n, d], in the order of r. */
export function scatterRows(n: i32, d: i32, x: usize, ids: usize, y: usize): void {
  const row: usize = <usize>d << 2
  for (let r = 0; r < n; r++) add(d, x + <usize>r * row, y + <usize>load<i32>(ids + (<usize>r << 2)) * row)
}
