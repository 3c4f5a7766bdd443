/** The simplex of three responses as an equilateral triangle: corner k is the distribution with all mass on response k. */

export interface Point {
  readonly x: number
  readonly y: number
}

const height = Math.sqrt(3) / 2

/** Corners in units of the side, y pointing down: the first on top. */
export const corners: ReadonlyArray<Point> = [
  { x: 0.5, y: 0 },
  { x: 0, y: height },
  { x: 1, y: height },
]

/** Where a distribution [3] lies. */
export const toPoint = (p: ArrayLike<number>): Point => ({
  x: corners.reduce((sum, c, k) => sum + p[k] * c.x, 0),
  y: corners.reduce((sum, c, k) => sum + p[k] * c.y, 0),
})

/** The distribution at a point, at least `least` in each response, so that its logarithm is finite. */
export const toDistribution = ({ x, y }: Point, least = 1e-3): Float64Array => {
  const top = 1 - y / height
  const right = x - top / 2
  const raw = Float64Array.of(top, 1 - top - right, right).map((v) => Math.max(least, v))
  const sum = raw.reduce((a, v) => a + v, 0)
  return raw.map((v) => v / sum)
}
