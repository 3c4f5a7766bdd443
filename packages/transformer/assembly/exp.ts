// Powers of two without tables (a data segment would overwrite the backend's memory), for softmax, gate and draws:
// exp(x) = 2^(x log2 e).

/**
 * A constant in a register. V8 builds a vector constant anew at every use, inside of loops too, which can cost more than the
 * arithmetic; the sum with a zero that the compiler does not know (see {@link unknownZero}) is made once.
 */
@inline
export function hold(zero: v128, value: f32): v128 {
  return f32x4.add(zero, f32x4.splat(value))
}

/** Zeros, from a count that is not negative. */
@inline
export function unknownZero(n: i32): v128 {
  return f32x4.splat(<f32>(n >> 31))
}

/** Adding this rounds a float to an integer and leaves that in the low bits. */
export const MAGIC: f32 = 12582912
export const LOG2E: f32 = 1.4426950408889634
// 2^f = 1 + f (C1 + f (C2 + ...)), relative error below 1e-7 for |f| <= 1/2: a least-squares fit with weights that level the error.
export const C1: f32 = 0.6931470036506653
export const C2: f32 = 0.24022242426872253
export const C3: f32 = 0.05550733581185341
export const C4: f32 = 0.009671512991189957
export const C5: f32 = 0.001326472731307149

/**
 * 2^t of four lanes with -126 <= t <= 126, 2^0 exactly 1; the constants are held by the caller. As exp(x) the relative error is below
 * 5e-7 (1 + |x| / 8), most of it the rounding of t.
 */
@inline
export function power(t: v128, magic: v128, one: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128): v128 {
  const shifted = f32x4.add(t, magic)
  const f = f32x4.sub(t, f32x4.sub(shifted, magic))
  let p = f32x4.add(f32x4.mul(c5, f), c4)
  p = f32x4.add(f32x4.mul(p, f), c3)
  p = f32x4.add(f32x4.mul(p, f), c2)
  p = f32x4.add(f32x4.mul(p, f), c1)
  p = f32x4.add(f32x4.mul(p, f), one)
  return i32x4.add(p, i32x4.shl(shifted, 23))
}
