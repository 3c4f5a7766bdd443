// exp without tables (a data segment would overwrite the backend's memory): 2^n * 2^f with |f| <= 1/2, the latter by its
// Taylor series to degree 7, within two units in the last place.

/** exp of four lanes; 0 below -87, finite above 88. */
export function exp4(x: v128): v128 {
  const t = f32x4.mul(f32x4.max(f32x4.min(x, f32x4.splat(88)), f32x4.splat(-87.3)), f32x4.splat(1.4426950408889634))
  const n = f32x4.nearest(t)
  // The fraction times ln 2, in two parts so that the product keeps its bits.
  const xr = f32x4.max(f32x4.min(x, f32x4.splat(88)), f32x4.splat(-87.3))
  const r = f32x4.sub(f32x4.sub(xr, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)))
  let p = f32x4.splat(1.0 / 5040.0)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 720.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 120.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 24.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 6.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1))
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return v128.and(f32x4.mul(p, scale), f32x4.gt(x, f32x4.splat(-87.3)))
}

export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0)
}

export function sum4(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  )
}

/** Dot product of n floats. */
export function dot(a: usize, b: usize, n: i32): f32 {
  let acc = f32x4.splat(0)
  let i = 0
  for (; i + 4 <= n; i += 4) acc = f32x4.add(acc, f32x4.mul(v128.load(a + (<usize>i << 2)), v128.load(b + (<usize>i << 2))))
  let sum = sum4(acc)
  for (; i < n; i++) sum += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2))
  return sum
}

/** y += s * x, n floats. */
export function axpy(s: f32, x: usize, y: usize, n: i32): void {
  const v = f32x4.splat(s)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const at = <usize>i << 2
    v128.store(y + at, f32x4.add(v128.load(y + at), f32x4.mul(v, v128.load(x + at))))
  }
  for (; i < n; i++) {
    const at = <usize>i << 2
    store<f32>(y + at, load<f32>(y + at) + s * load<f32>(x + at))
  }
}
