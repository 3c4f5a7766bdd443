// exp without tables (a data segment would overwrite the backend's memory): 2^n * e^r with |r| <= ln(2) / 2, the latter by its
// Taylor series to degree 7, within two units in the last place. Only operations that the engine can pair into 256 bits.
import { madd } from "./tile"

/** exp of four lanes; 0 below -87, finite above 88. */
@inline
export function exp4(x: v128): v128 {
  const bounded = f32x4.max(f32x4.min(x, f32x4.splat(88)), f32x4.splat(-87.3))
  // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
  const shifted = madd(f32x4.splat(12582912), bounded, f32x4.splat(1.4426950408889634))
  const n = f32x4.sub(shifted, f32x4.splat(12582912))
  // n ln 2 is taken off in two parts so that the remainder keeps its bits.
  const r = madd(madd(bounded, n, f32x4.splat(-0.693359375)), n, f32x4.splat(2.12194440e-4))
  let p = madd(f32x4.splat(1.0 / 720.0), r, f32x4.splat(1.0 / 5040.0))
  p = madd(f32x4.splat(1.0 / 120.0), r, p)
  p = madd(f32x4.splat(1.0 / 24.0), r, p)
  p = madd(f32x4.splat(1.0 / 6.0), r, p)
  p = madd(f32x4.splat(0.5), r, p)
  p = madd(f32x4.splat(1), r, p)
  p = madd(f32x4.splat(1), r, p)
  const scale = i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23)
  return v128.and(f32x4.mul(p, scale), f32x4.lt(f32x4.splat(-87.3), x))
}

export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0)
}

/** tanh of four lanes; below a quarter by its series, which keeps the bits that the quotient loses. */
@inline
export function tanh4(x: v128): v128 {
  const e = exp4(f32x4.add(x, x))
  const one = f32x4.splat(1)
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)))
  const s = f32x4.mul(x, x)
  let p = madd(f32x4.splat(2.0 / 15.0), s, f32x4.splat(-17.0 / 315.0))
  p = madd(f32x4.splat(-1.0 / 3.0), s, p)
  p = madd(one, s, p)
  return v128.bitselect(f32x4.mul(x, p), far, f32x4.lt(f32x4.abs(x), f32x4.splat(0.25)))
}

export function tanh1(x: f32): f32 {
  return f32x4.extract_lane(tanh4(f32x4.splat(x)), 0)
}

/** Natural logarithm of a positive normal number, within 1e-9. */
export function log1(x: f32): f32 {
  let bits = reinterpret<i32>(x)
  let exponent = (bits >> 23) - 127
  let m = <f64>reinterpret<f32>((bits & 0x7fffff) | 0x3f800000)
  if (m > 1.4142135623730951) {
    m *= 0.5
    exponent += 1
  }
  const s = (m - 1) / (m + 1)
  const t = s * s
  const series = s * (2 + t * (2.0 / 3 + t * (2.0 / 5 + t * (2.0 / 7 + t * (2.0 / 9 + t * (2.0 / 11))))))
  return <f32>(<f64>exponent * 0.6931471805599453 + series)
}

@inline
export function sum4(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  )
}

@inline
export function max4(x: v128): f32 {
  return max(max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)), max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)))
}

/** Dot product of n floats. */
export function dot(a: usize, b: usize, n: i32): f32 {
  let acc0 = f32x4.splat(0), acc1 = f32x4.splat(0)
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const o = <usize>i << 2
    acc0 = madd(acc0, v128.load(a + o), v128.load(b + o))
    acc1 = madd(acc1, v128.load(a + o, 16), v128.load(b + o, 16))
  }
  let sum = sum4(f32x4.add(acc0, acc1))
  for (; i < n; i++) sum += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2))
  return sum
}
