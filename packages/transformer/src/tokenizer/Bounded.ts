/**
 * Which tokenizers do work in proportion to their text. A `tokenizer.json` is a stranger's: a regular expression in it may take ages over
 * a line, a normaliser may double a text sixty times. What is known to be harmless, by its kind and its sizes, runs where it is
 * asked; all else in a process that can be stopped (`EncoderProcess.ts`). Decoders run without one, so theirs must be harmless.
 */
type Step = Readonly<Record<string, unknown>>

/** Most steps of one kind, and how much longer they may make a text together. */
const most = { steps: 32, growth: 32 } as const
/** Longest added token, affix, or piece of a Unigram model, and most characters of a word that WordPiece looks into. */
const longest = { added: 512, affix: 32, piece: 512, word: 1000 } as const

const contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const letters = "[^\\r\\n\\p{L}\\p{N}]?"
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
const spaces = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const symbols = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"

/** The expressions of published tokenizers, which take time in proportion to the text. */
const expressions: ReadonlySet<string> = new Set([
  // GPT-2, and those after it.
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  // Llama 3 and Qwen.
  `${contraction}|${letters}\\p{L}+|\\p{N}{1,3}|${symbols}|${spaces}`,
  `${contraction}|${letters}\\p{L}+|\\p{N}|${symbols}|${spaces}`,
  `${contraction}|${letters}[\\p{L}\\p{M}]+|\\p{N}|${symbols.replace("\\p{L}", "\\p{L}\\p{M}")}|${spaces}`,
  // GPT-4o's and Mistral's later ones.
  `${letters}${upper}*${lower}+${contraction}?|${letters}${upper}+${lower}*${contraction}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`,
  `${letters}${upper}*${lower}+|${letters}${upper}+${lower}*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`,
  // Digits, lines and blanks, each by itself.
  "\\p{N}{1,3}",
  "\\p{N}",
  "\\d",
  "\\s",
  "\\s+",
  "[\\r\\n]",
  " {2,}",
])

const isStep = (value: unknown): value is Step => value !== null && typeof value === "object" && !Array.isArray(value)
const isShort = (value: unknown, length: number): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.length <= length)

/** A pattern's literal, or null where it is an expression. */
const literalOf = (pattern: unknown): string | null => {
  if (typeof pattern === "string") return pattern
  const text = isStep(pattern) ? pattern["String"] : null
  return typeof text === "string" ? text : null
}
const isKnown = (pattern: unknown): boolean =>
  literalOf(pattern) !== null || (isStep(pattern) && expressions.has(String(pattern["Regex"])))

/** How much longer a step makes a text at most; null where that, or its time, is not known. */
const growthOf = (step: Step): number | null => {
  const { content, pattern, type } = step
  const kind = String(type)
  if (kind === "Replace") {
    const literal = literalOf(pattern)
    const length = typeof content === "string" ? content.length : 0
    if (literal === "" || !isKnown(pattern)) return null
    return Math.max(1, length / (literal?.length ?? 1))
  }
  if (kind === "Split") return isKnown(pattern) ? 1 : null
  if (kind === "Prepend") return isShort(step["prepend"], longest.affix) ? 1 : null
  if (kind === "Metaspace") {
    const marks = [step["replacement"], step["str_rep"]]
    return marks.every((mark) => isShort(mark, 1)) ? 1 : null
  }
  if (kind === "FixedLength") return Number(step["length"] ?? 1) >= 1 ? 1 : null
  if (kind === "Strip") return isShort(content, longest.affix) ? 1 : null
  if (kind === "WordPiece") return isShort(step["prefix"], longest.affix) ? 1 : null
  if (kind === "BPEDecoder") return isShort(step["suffix"], longest.affix) && step["suffix"] !== "" ? 1 : null
  return harmless.has(kind) ? 1 : null
}
/** Steps without a setting that could do harm. Those of Unicode make a text longer, but not again and again. */
const harmless: ReadonlySet<string> = new Set(
  (
    "NFC NFD NFKC NFKD Lowercase StripAccents BertNormalizer Precompiled ByteLevel Whitespace WhitespaceSplit " +
    "Punctuation Digits BertPreTokenizer ByteFallback Fuse"
  ).split(" "),
)

/** The steps of a stage, in one list. */
const flat = (step: unknown, depth = 0): ReadonlyArray<Step> => {
  if (!isStep(step)) return []
  const inner = step["normalizers"] ?? step["pretokenizers"] ?? step["processors"] ?? step["decoders"]
  if (step["type"] !== "Sequence" || !Array.isArray(inner) || depth > most.steps) return [step]
  return inner.flatMap((one) => flat(one, depth + 1))
}

/** The first step of a stage that is not known to be harmless, in one line; null where all are. */
const stage = (name: string, given: unknown): string | null => {
  const steps = flat(given)
  if (steps.length > most.steps) return `its ${name} has ${steps.length} steps`
  let growth = 1
  for (const step of steps) {
    const own = growthOf(step)
    const shown = JSON.stringify(step).slice(0, 200)
    if (own === null) return `its ${name} has the step ${shown}`
    growth *= own
    if (growth > most.growth) return `its ${name} makes a text more than ${most.growth} times as long, by ${shown}`
  }
  return null
}

/** A template may name the text once: twice in each of sixty is too often. */
const template = (given: unknown): string | null => {
  const steps = flat(given)
  if (steps.length > most.steps) return `its post_processor has ${steps.length} steps`
  const isOnce = (parts: unknown): boolean =>
    !Array.isArray(parts) ||
    (parts.length <= most.steps && parts.filter((part) => isStep(part) && "Sequence" in part).length <= 1)
  const odd = steps.find(({ single }) => !isOnce(single))
  return odd === undefined ? null : `its post_processor has the step ${JSON.stringify(odd).slice(0, 200)}`
}

const model = (given: unknown): string | null => {
  const { continuing_subword_prefix, continuing_subword_suffix, end_of_word_suffix, max_input_chars_per_word, vocab } =
    isStep(given) ? given : {}
  const affixes = [continuing_subword_prefix, continuing_subword_suffix, end_of_word_suffix]
  if (!affixes.every((affix) => isShort(affix, longest.affix))) return "its model has a long affix"
  if (Number(max_input_chars_per_word ?? 100) > longest.word)
    return `its model looks into words of ${String(max_input_chars_per_word)} characters`
  const isLong = (piece: unknown): boolean => Array.isArray(piece) && !isShort(piece[0], longest.piece)
  return Array.isArray(vocab) && vocab.some(isLong) ? "its model has a long piece" : null
}

/** Why encoding by this `tokenizer.json` has to run where it can be stopped; null where it need not. @category predicates */
export const refusal = (json: Step): string | null => {
  const added = json["added_tokens"]
  const long = Array.isArray(added)
    ? added.find((one) => isStep(one) && !isShort(one["content"], longest.added))
    : undefined
  return (
    stage("normalizer", json["normalizer"]) ??
    stage("pre_tokenizer", json["pre_tokenizer"]) ??
    template(json["post_processor"]) ??
    model(json["model"]) ??
    (long === undefined ? null : "it has a long added token")
  )
}

/** Why its decoder is not run; null where it is harmless. @category predicates */
export const decoderRefusal = (json: Step): string | null => stage("decoder", json["decoder"])
