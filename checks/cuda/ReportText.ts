/** The report of a run of all stages, as Markdown. */
import type { Result } from "./Stages.ts"

interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

const estimate = ({ high, low, mean }: Estimate): string => `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`

type Curve = Readonly<Record<string, Estimate>>

/** pass@1 of each run that has an end. */
const passes = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const rows = results.flatMap(({ figures }) => {
    const { base, objective, problems, samples, steps, trained } = figures as {
      readonly [name: string]: unknown
      readonly base?: Curve
      readonly trained?: Curve
    }
    const [one, other] = [base?.["1"], trained?.["1"]]
    if (one === undefined || other === undefined) return []
    return [
      `| ${String(objective)} | ${String(steps)} | ${estimate(one)} | ${estimate(other)} | ${String(problems)} x ${String(samples)} |`,
    ]
  })
  return rows.length === 0
    ? []
    : [
        [
          "| objective | steps | base pass@1 | trained pass@1 | problems x samples |",
          "| --- | --- | --- | --- | --- |",
          ...rows,
        ].join("\n"),
      ]
}

export const markdown = (title: string, results: ReadonlyArray<Result>, total: number): string =>
  [
    `# ${title}`,
    `${new Date().toISOString().slice(0, 10)}, ${total.toFixed(0)} s in all. Intervals are of 95 %, over problems.`,
    [
      "| stage | | seconds | |",
      "| --- | --- | --- | --- |",
      ...results.map(
        ({ name, reason, seconds, status, title: what }) =>
          `| ${name} | ${what} | ${seconds.toFixed(1)} | ${status}${reason === "" ? "" : `: ${reason.split("\n")[0].replaceAll("|", "/")}`} |`,
      ),
    ].join("\n"),
    ...passes(results),
    ...results.map(({ figures, name }) => `## ${name}\n\n\`\`\`json\n${JSON.stringify(figures, null, 2)}\n\`\`\``),
  ].join("\n\n") + "\n"
