/** The syntax tree of a template. */

export type Expression =
  | { readonly kind: "constant"; readonly value: null | boolean | bigint | number | string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list" | "tuple"; readonly items: ReadonlyArray<Expression> }
  | { readonly kind: "dict"; readonly items: ReadonlyArray<readonly [Expression, Expression]> }
  | { readonly kind: "unary"; readonly operator: "not" | "-" | "+"; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "concat"; readonly items: ReadonlyArray<Expression> }
  | {
      readonly kind: "compare"
      readonly first: Expression
      readonly rest: ReadonlyArray<readonly [operator: string, Expression]>
    }
  /** Without `otherwise` undefined where the test fails. */
  | {
      readonly kind: "condition"
      readonly test: Expression
      readonly value: Expression
      readonly otherwise: Expression | null
    }
  | { readonly kind: "attribute"; readonly of: Expression; readonly name: string }
  | { readonly kind: "item"; readonly of: Expression; readonly key: Expression }
  | {
      readonly kind: "slice"
      readonly of: Expression
      readonly bounds: readonly [Expression | null, Expression | null, Expression | null]
    }
  | { readonly kind: "call"; readonly of: Expression; readonly given: Arguments }
  | { readonly kind: "filter"; readonly of: Expression; readonly name: string; readonly given: Arguments }
  | { readonly kind: "test"; readonly of: Expression; readonly name: string; readonly given: Arguments }

export interface Arguments {
  readonly positional: ReadonlyArray<Expression>
  readonly named: ReadonlyArray<readonly [string, Expression]>
  /** Those after `*` and `**`. */
  readonly spread: Expression | null
  readonly spreadNamed: Expression | null
}

export const noArguments: Arguments = { positional: [], named: [], spread: null, spreadNamed: null }

/** What is assigned to: a name, several, or an attribute of a namespace. */
export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "tuple"; readonly items: ReadonlyArray<Target> }
  | { readonly kind: "namespace"; readonly name: string; readonly attribute: string }

export interface FilterCall {
  readonly name: string
  readonly given: Arguments
}

export interface Parameter {
  readonly name: string
  readonly default: Expression | null
}

export type Statement =
  | { readonly kind: "data"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression }
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: "capture"
      readonly target: Target
      readonly filters: ReadonlyArray<FilterCall>
      readonly body: Body
    }
  | {
      readonly kind: "for"
      readonly target: Target
      readonly of: Expression
      readonly test: Expression | null
      readonly isRecursive: boolean
      readonly body: Body
      readonly otherwise: Body
    }
  | {
      readonly kind: "if"
      readonly branches: ReadonlyArray<readonly [Expression, Body]>
      readonly otherwise: Body
    }
  | {
      readonly kind: "macro"
      readonly name: string
      readonly parameters: ReadonlyArray<Parameter>
      readonly body: Body
    }
  | {
      readonly kind: "call"
      readonly of: Extract<Expression, { kind: "call" }>
      readonly parameters: ReadonlyArray<Parameter>
      readonly body: Body
    }
  | { readonly kind: "filter"; readonly filters: ReadonlyArray<FilterCall>; readonly body: Body }
  | {
      readonly kind: "with"
      readonly values: ReadonlyArray<readonly [Target, Expression]>
      readonly body: Body
    }
  /** A part with names of its own: `generation`, and with `isTop` a block, which sees only those of the template itself. */
  | { readonly kind: "scope"; readonly isTop: boolean; readonly body: Body }
  | { readonly kind: "break" | "continue" }

export type Body = ReadonlyArray<Statement>

/** Whether a name is used anywhere within. */
export const mentions = (node: unknown, name: string): boolean => {
  if (Array.isArray(node)) return node.some((inner) => mentions(inner, name))
  if (node === null || typeof node !== "object") return false
  const { kind, name: own } = node as { readonly kind?: unknown; readonly name?: unknown }
  return (kind === "name" && own === name) || Object.values(node).some((inner) => mentions(inner, name))
}
