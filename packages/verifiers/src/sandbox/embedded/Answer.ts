/**
 * What a harness says about a test. It runs in the same interpreter as the program, so these are the program's own words: they can say
 * how it ended, with which code, value and message, and nothing about time, memory or output, which the host has seen itself.
 */

export interface Answer {
  readonly status: "done" | "raised" | "memory"
  readonly exitCode: number
  readonly value?: string
  readonly error?: string
}

const maxError = 1100
const keys: ReadonlySet<string> = new Set(["status", "exitCode", "value", "error"])

const parse = (text: string): Answer | null => {
  const json: unknown = JSON.parse(text)
  if (typeof json !== "object" || json === null || Array.isArray(json)) return null
  if (Object.keys(json).some((key) => !keys.has(key))) return null
  const { error, exitCode = 0, status, value } = json as Record<string, unknown>
  if (status !== "done" && status !== "raised" && status !== "memory") return null
  if (typeof exitCode !== "number" || !Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) return null
  if (value !== undefined && typeof value !== "string") return null
  if (error !== undefined && typeof error !== "string") return null
  return {
    status,
    exitCode,
    ...(value !== undefined && { value }),
    ...(error !== undefined && { error: error.slice(0, maxError).replaceAll(/\s*\n\s*/g, " ") }),
  }
}

/** The answer; one that does not fit is the program's failure. */
export const read = (text: string): Answer => {
  try {
    const answer = parse(text)
    if (answer !== null) return answer
  } catch {
    // Not JSON.
  }
  return { status: "raised", exitCode: 0, error: "the program broke the harness" }
}
