/** The page on evaluation: its table is the list of benchmarks, and its options exist. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Benchmark } from "@lpo/eval"
import { expect, it } from "vitest"

const page = readFileSync(fileURLToPath(new URL("../guides/evaluation.md", import.meta.url)), "utf8")

it("evaluation: every benchmark stands in the table, with its problems and samples", () => {
  const rows = [...page.matchAll(/^\| (`[^|]+`) \| ([\d,]+)(?: each)? \| (\d+) \|/gm)].flatMap(
    ([, names, problems, n]) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => `${name} ${problems.replace(",", "")} ${n}`),
  )
  expect(new Set(rows)).toEqual(
    new Set(Object.values(Benchmark.all).map(({ name, problems, samples }) => `${name} ${problems} ${samples}`)),
  )
})
