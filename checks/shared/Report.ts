/** The results of a check: a line for each part, a last line of JSON, and the exit code. */

export interface Check {
  readonly name: string
  /** Throws what is wrong. */
  readonly run: () => void | Promise<void>
}

export interface Report {
  readonly failed: ReadonlyArray<string>
  readonly passed: number
  /** One part: whether it passed, and what was seen. */
  readonly add: (what: string, ok: boolean, seen?: string) => void
  /** Parts that fail by throwing, one after the other, with their seconds. */
  readonly run: (checks: ReadonlyArray<Check>) => Promise<void>
  /** The last line; the process ends with 1 when a part failed. */
  readonly end: (more?: object) => void
}

export const make = (name: string): Report => {
  const failed: Array<string> = []
  let passed = 0
  const add = (what: string, ok: boolean, seen = "") => {
    console.log(`${ok ? "ok    " : "FAILED"} ${what}${seen === "" ? "" : `: ${seen}`}`)
    if (ok) passed++
    else failed.push(what)
  }
  return {
    failed,
    get passed() {
      return passed
    },
    add,
    run: async (checks) => {
      for (const { name, run } of checks) {
        const from = performance.now()
        const error = await Promise.resolve()
          .then(run)
          .then(
            () => null,
            (cause: unknown) => (cause instanceof Error ? (cause.stack ?? cause.message) : JSON.stringify(cause)),
          )
        add(`${name} (${((performance.now() - from) / 1000).toFixed(1)} s)`, error === null, error ?? "")
      }
    },
    end: (more = {}) => {
      console.log(JSON.stringify({ check: name, passed, failed, ...more }))
      process.exitCode = failed.length === 0 ? 0 : 1
    },
  }
}

/** What was made, or null after a loud message about what is skipped and why; the check then ends with 0. */
export const unlessSkipped = <A>(name: string, parts: ReadonlyArray<string>, make: () => A): A | null => {
  try {
    return make()
  } catch (cause) {
    console.error(`\nSKIPPED, because it is not available here: ${(cause as Error).message}\n`)
    for (const part of parts) console.error(`  SKIPPED: ${part}`)
    console.log(JSON.stringify({ check: name, skipped: parts }))
    return null
  }
}
