/** The search: over every section of every page, guides before reference, and by the words that users know from elsewhere. */
import type { DefaultTheme } from "vitepress"

type Options = NonNullable<DefaultTheme.LocalSearchOptions["miniSearch"]>

/** Runs in the browser, from its own text: nothing outside of it can be used. */
const processTerm = (word: string): string | Array<string> | null => {
  const term = word.toLowerCase()
  const others: Readonly<Record<string, ReadonlyArray<string>>> = {
    oom: ["memory"],
    hf: ["hugging"],
    huggingface: ["hugging"],
    continue: ["resume"],
    restart: ["resume"],
    interrupted: ["resume"],
    cuda: ["gpu"],
    nvidia: ["gpu"],
    finetune: ["train"],
    weave: ["trackers"],
    logging: ["trackers"],
    kl: ["divergence"],
    csv: ["jsonl"],
    docker: ["sandbox"],
    agent: ["turns"],
    agents: ["turns"],
    lr: ["learning"],
    clipping: ["clip"],
  }
  const small = [
    "a",
    "an",
    "and",
    "are",
    "can",
    "do",
    "does",
    "for",
    "how",
    "i",
    "in",
    "is",
    "it",
    "k",
    "my",
    "of",
    "on",
    "or",
  ]
  if ([...small, "the", "to", "what", "which", "with", "without"].includes(term)) return null
  // Plurals are found by the singular, and the other way round.
  const stem = /[^s]s$/.test(term) && term.length > 3 ? [term.slice(0, -1)] : []
  return [term, ...stem, ...(others[term] ?? [])]
}

export const miniSearch: Options = {
  searchOptions: {
    boost: { title: 4, titles: 1, text: 1 },
    fuzzy: 0.1,
    prefix: true,
    processTerm,
    /** What a user asks is mostly answered by a guide. */
    boostDocument: (id: string) => (id.includes("/guides/") ? 2 : 1),
  },
}
