/** Progress where there is no terminal, or none with a size: a line for every tenth, or after ten seconds. */
import { expect, it } from "vitest"
import * as View from "../src/View.ts"

/** A view on a pipe, and time that the test moves. */
const pipe = () => {
  const lines: Array<string> = []
  let now = 0
  const view = View.make({ write: (text) => lines.push(text.trimEnd()) }, () => now)
  const step = (done: number, total: number, seconds: number, title = "Training") => {
    now += seconds
    view.progress({ title, done, total, detail: ["reward 1", "more"] })
  }
  return { lines, step, view }
}

it.each([3, 14, 60, 500, 100_000])("writes at most eleven lines for %i things that go fast", (total) => {
  const { lines, step } = pipe()
  for (let done = 1; done <= total; done++) step(done, total, 1e-4)
  expect(lines.length).toBeLessThanOrEqual(Math.min(11, total))
  expect(lines[0]).toMatch(new RegExp(`^Training 1/${total} `))
  expect(lines.at(-1)).toMatch(new RegExp(`^Training ${total}/${total} .*reward 1$`))
})

it("writes a line every ten seconds of what goes slowly, and none sooner", () => {
  const { lines, step } = pipe()
  for (let done = 1; done <= 100; done++) step(done, 10_000, 3)
  expect(lines.map((line) => Number(/ (\d+)\//.exec(line)?.[1]))).toEqual(
    Array.from({ length: 25 }, (_, i) => 1 + 4 * i),
  )
})

it("begins anew with every phase", () => {
  const { lines, step, view } = pipe()
  step(2, 2, 1)
  view.done()
  step(1, 50, 0, "Evaluating")
  step(2, 50, 0, "Evaluating")
  expect(lines.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual(["Training 2/2", "Evaluating 1/50"])
})

it("writes lines to a terminal that has no size", () => {
  const lines: Array<string> = []
  const view = View.make({ isTTY: true, columns: 0, write: (text) => lines.push(text.trimEnd()) }, () => 0)
  view.progress({ title: "Training", done: 1, total: 2, detail: [] })
  expect(lines).toEqual(["Training 1/2 0:00"])
})
