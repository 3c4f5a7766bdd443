/**
 * All well-formed Countdown expressions over a list of numbers, for demonstrations and for problem sets. No two differ only by
 * parentheses or signs that could be dropped: the right operand of + and - is never itself a sum, that of * never a product.
 *
 * @module
 */

/** @category models */
export type Operator = "+" | "-" | "*"

interface Term {
  readonly text: string
  readonly value: number
  readonly kind: "number" | "sum" | "product"
}

const wrap = (term: Term): string => (term.kind === "sum" ? `(${term.text})` : term.text)

const join = (a: Term, op: Operator, b: Term): Term | null => {
  if (op === "*") {
    if (b.kind === "product") return null
    return { text: `${wrap(a)} * ${wrap(b)}`, value: a.value * b.value, kind: "product" }
  }
  if (b.kind === "sum") return null
  return { text: `${a.text} ${op} ${b.text}`, value: op === "+" ? a.value + b.value : a.value - b.value, kind: "sum" }
}

/** Expressions that use each number of `nums` once, by value; sorted texts. @category generation */
export const byValue = (
  nums: ReadonlyArray<number>,
  operators: ReadonlyArray<Operator>,
): Map<number, ReadonlyArray<string>> => {
  const full = 2 ** nums.length - 1
  const memo = new Map<number, ReadonlyArray<Term>>()
  const terms = (mask: number): ReadonlyArray<Term> => {
    const known = memo.get(mask)
    if (known !== undefined) return known
    const out = new Map<string, Term>()
    const index = Math.log2(mask)
    if (Number.isInteger(index))
      out.set(String(nums[index]), { text: String(nums[index]), value: nums[index], kind: "number" })
    for (let left = (mask - 1) & mask; left > 0; left = (left - 1) & mask) {
      for (const a of terms(left)) {
        for (const b of terms(mask ^ left)) {
          for (const op of operators) {
            const term = join(a, op, b)
            if (term !== null) out.set(term.text, term)
          }
        }
      }
    }
    const list = [...out.values()]
    memo.set(mask, list)
    return list
  }
  const grouped = new Map<number, Array<string>>()
  for (const { text, value } of terms(full)) {
    const list = grouped.get(value)
    if (list === undefined) grouped.set(value, [text])
    else list.push(text)
  }
  for (const list of grouped.values()) list.sort()
  return grouped
}
