/**
 * The exhaustive search behind the generator, and the solver. Intermediate results are non-negative integers made by a + b,
 * a * b, |a - b| and exact division: the Stream-of-Search rule (arXiv 2404.03683). Every number is used.
 */

/** Values reachable from a sub-multiset, by the multiset's sorted numbers. */
const memo = new Map<string, ReadonlySet<number>>()
/** Bounds the memory of `memo`; subsets of two or three numbers dominate and repeat. */
const maxMemo = 20_000

const byValue = (a: number, b: number): number => a - b

/** The results of one pair of values, larger first. */
const pairs = (a: number, b: number, visit: (value: number, op: "+" | "-" | "*" | "/") => void): void => {
  visit(a + b, "+")
  visit(a * b, "*")
  visit(a - b, "-")
  if (b !== 0 && a % b === 0) visit(a / b, "/")
}

/** Largest value kept exact; a product beyond is dropped, as nothing divides it back into the targets of the field. */
const limit = Number.MAX_SAFE_INTEGER

/** Every way to cut a list in two parts, each way once. */
const cuts = (nums: ReadonlyArray<number>): Array<readonly [Array<number>, Array<number>]> => {
  const out = new Map<string, readonly [Array<number>, Array<number>]>()
  for (let mask = 1; mask < 2 ** (nums.length - 1); mask++) {
    const left: Array<number> = []
    const right: Array<number> = []
    for (const [i, n] of nums.entries()) (mask & (1 << i) ? left : right).push(n)
    out.set(left.join(","), [left, right])
  }
  return [...out.values()]
}

/**
 * All values that the numbers reach together, each number used once. Order does not matter.
 *
 * @category search
 */
export const values = (nums: ReadonlyArray<number>): ReadonlySet<number> => {
  const sorted = [...nums].sort(byValue)
  if (sorted.length === 1) return new Set(sorted)
  const key = sorted.join(",")
  const known = memo.get(key)
  if (known !== undefined) return known
  const out = new Set<number>()
  const add = (value: number): void => {
    if (value <= limit) out.add(value)
  }
  for (const [left, right] of cuts(sorted)) {
    const lefts = values(left)
    for (const b of values(right)) for (const a of lefts) pairs(Math.max(a, b), Math.min(a, b), add)
  }
  if (sorted.length <= 4) {
    if (memo.size >= maxMemo) memo.clear()
    memo.set(key, out)
  }
  return out
}

/** Whether the numbers reach `target`, an integer >= 1, without listing what else the last step could make. @category search */
export const solvable = (nums: ReadonlyArray<number>, target: number): boolean => {
  const sorted = [...nums].sort(byValue)
  if (sorted.length <= 3) return values(sorted).has(target)
  for (const [left, right] of cuts(sorted)) {
    const [few, many] = left.length < right.length ? [left, right] : [right, left]
    const others = values(many)
    for (const a of values(few)) if (partners(a, target).some((b) => others.has(b))) return true
  }
  return false
}

/** The b with `target`, >= 1, among the results of a and b. */
const partners = (a: number, target: number): Array<number> => {
  const out = [target - a, a - target, a + target]
  if (a !== 0) {
    out.push(a * target)
    if (target % a === 0) out.push(target / a)
    if (target !== 0 && a % target === 0) out.push(a / target)
  }
  return out.filter((b) => b >= 0)
}

/**
 * Solutions as expressions, without the outer parentheses, depth first and without repeating a text; at most `count`.
 *
 * @category search
 */
export const solutions = (
  nums: ReadonlyArray<number>,
  target: number,
  count: number = Number.POSITIVE_INFINITY,
): Array<string> => {
  const out = new Set<string>()
  /** Texts of `items` that are worth `value`; `visit` returns true to stop. */
  const search = (items: ReadonlyArray<number>, value: number, visit: (text: string) => boolean): boolean => {
    if (items.length === 1) return items[0] === value && visit(String(value))
    if (!values(items).has(value)) return false
    const join = (left: ReadonlyArray<number>, a: number, right: ReadonlyArray<number>, b: number): boolean => {
      const [high, low, x, y] = a >= b ? [left, right, a, b] : [right, left, b, a]
      const ops: Array<string> = []
      pairs(x, y, (v, op) => {
        if (v === value) ops.push(op)
      })
      return (
        ops.length > 0 && search(high, x, (p) => search(low, y, (q) => ops.some((op) => visit(`(${p} ${op} ${q})`))))
      )
    }
    for (const [left, right] of cuts(items))
      for (const a of values(left)) for (const b of values(right)) if (join(left, a, right, b)) return true
    return false
  }
  if (count > 0)
    search([...nums].sort(byValue), target, (text) => {
      out.add(text.startsWith("(") ? text.slice(1, -1) : text)
      return out.size >= count
    })
  return [...out]
}
