/** One group, response by response: what was asked, what was answered, what it earned, and what the objective made of it. */
import type { LoggedGroup } from "@lpo/rollout/LoggedGroup"
import { choose, html } from "../figures/Dom.ts"

export interface Explorer {
  readonly element: HTMLElement
  /** New groups of a lane; shown at once unless the reader keeps one. */
  readonly add: (lane: number, groups: ReadonlyArray<LoggedGroup>) => void
  readonly reset: (lanes: ReadonlyArray<string>) => void
}

const outcomes: Readonly<Record<LoggedGroup["outcome"], string>> = {
  trained: "Trained on.",
  "no-signal": "All eight earned the same reward, so there is nothing to choose between them: no push.",
  "too-small": "Too few answers have a verdict: not trained on.",
  stale: "The policy has moved too far since these were sampled: not trained on.",
}

const three = (v: number | undefined): string => (v === undefined ? "–" : v.toFixed(3).replace("-", "−"))

/** A number, and its size as a bar. */
const cell = (value: number | undefined, share: number): HTMLTableCellElement => {
  const bar = html("span", { className: value !== undefined && value < 0 ? "bar up" : "bar" })
  bar.style.setProperty("--share", String(Math.min(1, Math.abs(share))))
  bar.ariaHidden = "true"
  return html("td", { className: "number" }, three(value), bar)
}

const kept = 60

export const make = (): Explorer => {
  let lanes: Array<{ readonly name: string; readonly groups: Array<LoggedGroup> }> = []
  let lane = 0
  let at = 0
  const follow = html("input", { type: "checkbox", checked: true })
  const back = html("button", { type: "button", textContent: "‹ Earlier" })
  const on = html("button", { type: "button", textContent: "Later ›" })
  const which = choose<string>("Lane", {}, (key) => {
    lane = Number(key)
    at = (lanes[lane]?.groups.length ?? 1) - 1
    draw()
  })
  const title = html("p", { className: "prompt" })
  const outcome = html("p", { className: "outcome" })
  const body = html("tbody")
  const heads = ["Answer", "Reward", "w*", "P", "c"]
  const table = html(
    "table",
    {},
    html("caption", { className: "hidden", textContent: "The answers of one group" }),
    html("thead", {}, html("tr", {}, ...heads.map((textContent) => html("th", { scope: "col", textContent })))),
    body,
  )
  const draw = (): void => {
    const groups = lanes[lane]?.groups ?? []
    const group = groups[at]
    back.disabled = at <= 0
    on.disabled = at >= groups.length - 1
    which.row.hidden = lanes.length < 2
    if (group === undefined) {
      title.textContent = "The first group appears after the first step."
      outcome.textContent = ""
      body.replaceChildren()
      return
    }
    const prompt = typeof group.prompt === "string" ? group.prompt : ""
    const [numbers = "", target = ""] = prompt.replace(/ :$/, "").split(" -> ")
    title.replaceChildren(
      `Step ${group.step}: make `,
      html("strong", { textContent: target }),
      " from ",
      html("strong", { textContent: numbers.split(" ").join(", ") }),
    )
    outcome.textContent = outcomes[group.outcome]
    const largest = Math.max(1e-9, ...group.completions.map(({ coefficient = 0 }) => Math.abs(coefficient)))
    body.replaceChildren(
      ...group.completions.map(({ coefficient, policy, target: weight, text, verdict }) => {
        const answer = html("th", {
          scope: "row",
          textContent: text === "" ? "(nothing)" : text.replaceAll("*", "×").replaceAll("-", "−"),
        })
        const reward = html("td", {
          className: "number",
          textContent: `${verdict.correct ? "✓ " : ""}${verdict.score}`,
          title: verdict.reason ?? (verdict.correct ? "right" : "wrong"),
        })
        return html(
          "tr",
          { className: verdict.correct ? "right" : "" },
          answer,
          reward,
          cell(weight, weight ?? 0),
          cell(policy, policy ?? 0),
          cell(coefficient, (coefficient ?? 0) / largest),
        )
      }),
    )
  }
  const move = (by: number): void => {
    follow.checked = false
    at += by
    draw()
  }
  back.addEventListener("click", () => move(-1))
  on.addEventListener("click", () => move(1))
  follow.addEventListener("change", () => {
    if (!follow.checked) return
    at = Math.max(0, (lanes[lane]?.groups.length ?? 0) - 1)
    draw()
  })
  const element = html(
    "section",
    { className: "explorer" },
    html("h2", { textContent: "One puzzle, eight answers" }),
    html(
      "div",
      { className: "bar-row" },
      which.row,
      back,
      on,
      html("label", {}, follow, html("span", { textContent: "follow" })),
    ),
    title,
    html("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Answers of the group" }, table),
    outcome,
    html("p", {
      className: "note",
      textContent:
        "w* is the share that each answer should have, by its reward; P is the share that the model gives it now. " +
        "c is the push between the two: below 0 the answer becomes more likely, above 0 less likely.",
    }),
  )
  return {
    element,
    reset: (names) => {
      lanes = names.map((name) => ({ name, groups: [] }))
      lane = Math.min(lane, Math.max(0, lanes.length - 1))
      at = 0
      which.select.replaceChildren(...names.map((name, i) => html("option", { value: String(i), textContent: name })))
      which.select.value = String(lane)
      draw()
    },
    add: (from, more) => {
      const own = lanes[from]?.groups
      if (own === undefined) return
      own.push(...more)
      const dropped = Math.max(0, own.length - kept)
      own.splice(0, dropped)
      if (from !== lane) return
      // A group with something to learn from shows more than one without.
      const best = own.findLastIndex(({ outcome, step }) => outcome === "trained" && step === own.at(-1)?.step)
      at = follow.checked ? (best < 0 ? own.length - 1 : best) : Math.max(0, at - dropped)
      draw()
    },
  }
}
