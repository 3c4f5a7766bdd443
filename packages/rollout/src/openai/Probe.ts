/**
 * What a vLLM server must prove before a run trusts its samples: that its log-probs are what the run takes them for.
 *
 * `--logprobs-mode` cannot be asked for, so it is measured: the alternatives for one position at temperature 1 and at
 * temperature 2. Raw log-probs agree; processed ones do not, since there the logits are halved first. Logits instead of
 * log-probs are given away by a positive value, or by probabilities that sum to more than 1.
 */
/** @category models */
export type LogprobsMode = "raw" | "processed"

/** Log-probs of the most likely tokens of one position, by token. @category models */
export type Alternatives = Readonly<Record<string, number>>

const shared = (a: Alternatives, b: Alternatives): Array<readonly [number, number]> =>
  Object.entries(a).flatMap(([token, value]) => (b[token] === undefined ? [] : [[value, b[token]] as const]))

/**
 * The mode told from the alternatives at temperature 1 and 2; a string in `refused` says why the server cannot be used.
 * Where the distribution is too flat to tell, both modes hold the same numbers, and `null` says so.
 *
 * @category probes
 */
export const mode = (
  warm: Alternatives,
  hot: Alternatives,
): { readonly mode: LogprobsMode | null } | { readonly refused: string } => {
  const values = Object.values(warm)
  const mass = values.reduce((sum, v) => sum + Math.exp(v), 0)
  if (values.some((v) => v > 1e-3) || mass > 1.01) {
    return {
      refused: `the log-probs of the ${values.length} most likely tokens sum to a probability of ${mass.toPrecision(4)}, so they are logits; start the server with --logprobs-mode raw_logprobs`,
    }
  }
  const pairs = shared(warm, hot).sort(([a], [b]) => b - a)
  const most = pairs[0]
  const least = pairs.at(-1)
  // Under 0.1 nats of difference, half of it cannot be told from rounding.
  if (most === undefined || least === undefined || most[0] - least[0] < 0.1) return { mode: null }
  const ratio = (most[1] - least[1]) / (most[0] - least[0])
  return { mode: Math.abs(ratio - 1) < Math.abs(ratio - 0.5) ? "raw" : "processed" }
}

/** Why the mode does not suit the run; null when it does. @category probes */
export const refusal = (found: LogprobsMode | null, wanted: LogprobsMode): string | null =>
  found === null || found === wanted
    ? null
    : `the server's log-probs are ${found} and the run wants ${wanted} ones; start it with --logprobs-mode ${wanted}_logprobs, or set logprobs to "${found}"`
