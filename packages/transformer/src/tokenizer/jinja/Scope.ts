/** Names and their values: a loop's turn, a macro and their like have names of their own, and see those around them. */
import type { Hidden } from "./Frames.ts"
import type { Body, Target } from "./Syntax.ts"
import { fail, iterate, Holder, Undefined, type Value } from "./Value.ts"

export interface Scope {
  readonly values: Map<string, Value>
  readonly around: Scope | null
  /** That of the template itself; null where it is this. */
  readonly top: Scope | null
  readonly hidden: Hidden
}

/** The scope of a template, over what every template has and its variables. */
export const make = (globals: ReadonlyMap<string, Value>, template: Body, hidden: Hidden): Scope => {
  const bottom = { values: new Map(globals), around: null, top: null, hidden }
  return { ...child(bottom, template), top: null }
}

/** The scope of a part within another. */
export const child = (around: Scope, part: Body | null): Scope => {
  const { hidden, top } = around
  const names = (part === null ? undefined : hidden.get(part)) ?? []
  const values = new Map(names.map((name) => [name, new Undefined(`'${name}' is undefined`)]))
  return { values, around, top: top ?? around, hidden }
}

export const lookUp = (scope: Scope, name: string): Value => {
  for (let at: Scope | null = scope; at !== null; at = at.around) {
    const found = at.values.get(name)
    if (found !== undefined) return found
  }
  return new Undefined(`'${name}' is undefined`)
}

export const assign = (target: Target, value: Value, scope: Scope): void => {
  if (target.kind === "name") return void scope.values.set(target.name, value)
  if (target.kind === "namespace") {
    const to = lookUp(scope, target.name)
    if (!(to instanceof Holder) || !to.settable) return fail("cannot assign attribute on non-namespace object")
    return void to.values.set(target.attribute, value)
  }
  const parts = [...iterate(value)]
  const { length } = target.items
  if (parts.length !== length)
    return fail(`${parts.length > length ? "too many" : "not enough"} values to unpack (expected ${length})`)
  for (const [i, item] of target.items.entries()) assign(item, parts[i], scope)
}
