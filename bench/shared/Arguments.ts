/** Options of a command line, each with its type, its rule and a line of help; a wrong one ends the program with code 2. */
import { parseArgs } from "node:util"

/** One option: how its text is read. `read` throws what the value must be. */
export interface Option<A> {
  readonly about: string
  readonly kind: "boolean" | "string"
  readonly multiple: boolean
  /** The value of an option that is given, or null when it is not. */
  readonly read: (given: ReadonlyArray<string> | null) => A
}

const one = <A>(about: string, fallback: A, decode: (text: string) => A): Option<A> => ({
  about,
  kind: "string",
  multiple: false,
  read: (given) => (given === null ? fallback : decode(given[0])),
})

/** True when it is given. */
export const flag = (about: string): Option<boolean> => ({
  about,
  kind: "boolean",
  multiple: false,
  read: (given) => given !== null,
})

const bounded = <A>(whole: boolean, about: string, fallback: A, least: number): Option<A | number> =>
  one<A | number>(about, fallback, (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text)
    if (value >= least && Number.isFinite(value) && (!whole || Number.isInteger(value))) return value
    throw new RangeError(`give a ${whole ? "whole " : ""}number from ${least}`)
  })

/** A whole number of at least `least`. */
export const whole = <A = number>(about: string, fallback: A, least = 1): Option<A | number> =>
  bounded(true, about, fallback, least)

/** A number of at least `least`. */
export const number = (about: string, fallback: number, least = 0): Option<number> =>
  bounded(false, about, fallback, least)

export const text = <A>(about: string, fallback: A): Option<A | string> =>
  one<A | string>(about, fallback, (given) => given)

const choose =
  <A extends string>(names: ReadonlyArray<A>) =>
  (text: string): A => {
    const found = names.find((name) => name === text)
    if (found !== undefined) return found
    throw new RangeError(`give one of ${names.join(", ")}`)
  }

/** One of `names`, or `fallback`. */
export const oneOf = <A extends string, B extends A | null>(
  about: string,
  names: ReadonlyArray<A>,
  fallback: B,
): Option<A | B> => one<A | B>(`${about}: ${names.join(", ")}`, fallback, choose(names))

/** Any number of `names`. */
export const many = <A extends string>(about: string, names: ReadonlyArray<A>): Option<ReadonlyArray<A>> => ({
  about: `${about}: ${names.join(", ")}; may be repeated`,
  kind: "string",
  multiple: true,
  read: (given) => (given ?? []).map(choose(names)),
})

type Values<O> = { readonly [K in keyof O]: O[K] extends Option<infer A> ? A : never }

const camel = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const stop = (line: string): never => {
  console.error(line)
  process.exit(2)
}

/** The options of this process, under their names; `skipPeers` is `--skip-peers`. `--help` prints them and ends it. */
export const read = <O extends Record<string, Option<unknown>>>(title: string, options: O): Values<O> => {
  const entries = Object.entries(options).map(([key, option]) => ({ key, flag: camel(key), option }))
  const known = Object.fromEntries(
    entries.map(({ flag, option: { kind } }) => [flag, { type: kind, multiple: true } as const]),
  )
  const parse = () => {
    try {
      return parseArgs({ options: { ...known, help: { type: "boolean" } } }).values
    } catch (cause) {
      // Node's second sentence is about positional arguments, which do not exist here.
      return stop(`${(cause as Error).message.split(". ")[0]}; --help lists the options`)
    }
  }
  const given: Readonly<Record<string, boolean | ReadonlyArray<boolean | string> | undefined>> = parse()
  if (given["help"] !== undefined) {
    const width = Math.max(...entries.map(({ flag }) => flag.length))
    console.log([title, ...entries.map(({ flag, option }) => `  --${flag.padEnd(width)}  ${option.about}`)].join("\n"))
    process.exit(0)
  }
  const values = entries.map(({ flag, key, option }) => {
    const all = given[flag]
    const texts = Array.isArray(all) ? all.map(String) : null
    if (texts !== null && texts.length > 1 && !option.multiple) return stop(`--${flag} is given twice; give it once`)
    try {
      return [key, option.read(texts)]
    } catch (cause) {
      return stop(`--${flag} is ${texts?.join(" ") ?? "not given"}; ${(cause as Error).message}`)
    }
  })
  return Object.fromEntries(values) as Values<O>
}
