/** The controls: what acts at once, and what starts the training over. */
import { choose, html } from "../figures/Dom.ts"
import * as State from "./State.ts"

export interface Controls {
  readonly element: HTMLElement
  readonly show: (setup: State.Setup, now: { readonly running: boolean; readonly begun: boolean }) => void
}

export interface Options {
  readonly change: (setup: State.Setup) => void
  readonly toggle: () => void
  readonly restart: () => void
}

/** The knobs of one lane. */
const lane = (legend: string, change: (choice: State.Choice) => void) => {
  let now = State.initial.a
  const set = (part: Partial<State.Choice>): void => change({ ...now, ...part })
  const objective = choose("Objective", State.objectives, (key) => set({ objective: key }))
  const divergence = choose("Divergence", State.divergences, (key) => set({ divergence: key }))
  const tau = choose("Temperature τ", State.temperatures, (key) => set({ tau: key }))
  const fixed = html("input", { type: "number", min: "0.01", max: "100", step: "any" })
  const fixedRow = html("label", {}, html("span", { textContent: "τ is" }), fixed)
  fixed.addEventListener("change", () => {
    const value = Number(fixed.value)
    set({ fixed: value > 0 && value <= 100 ? value : now.fixed })
  })
  const element = html(
    "fieldset",
    {},
    html("legend", { textContent: legend }),
    objective.row,
    divergence.row,
    tau.row,
    fixedRow,
  )
  return {
    element,
    show: (choice: State.Choice): void => {
      now = choice
      objective.select.value = choice.objective
      divergence.select.value = choice.divergence
      tau.select.value = choice.tau
      fixed.value = String(choice.fixed)
      const listwise = choice.objective === "lpo"
      divergence.row.hidden = !listwise
      tau.row.hidden = !listwise
      fixedRow.hidden = !listwise || choice.tau !== "fixed"
    },
  }
}

export const make = ({ change, restart, toggle }: Options): Controls => {
  let setup = State.initial
  const a = lane("A", (choice) => change({ ...setup, a: choice }))
  const b = lane("B", (choice) => change({ ...setup, b: choice }))
  const go = html("button", { type: "button", className: "go", textContent: "Start" })
  const again = html("button", { type: "button", textContent: "Start over" })
  const share = html("button", { type: "button", textContent: "Copy link" })
  const compare = html("input", { type: "checkbox" })
  const rate = choose("Learning rate", Object.fromEntries(State.rates.map((r) => [String(r), String(r)])), (key) =>
    change({ ...setup, learningRate: Number(key) }),
  )
  const seed = html("input", { type: "text", maxLength: 20, size: 6 })
  seed.addEventListener("change", () => change({ ...setup, seed: seed.value.trim() || State.initial.seed }))
  go.addEventListener("click", toggle)
  again.addEventListener("click", restart)
  compare.addEventListener("change", () => change({ ...setup, b: compare.checked ? State.initial.b : null }))
  share.addEventListener("click", () => {
    history.replaceState(null, "", State.toHash(setup))
    const said = (text: string) => () => {
      share.textContent = text
    }
    navigator.clipboard.writeText(location.href).then(said("Copied"), said("Copy it from the address bar"))
  })
  const element = html(
    "form",
    { className: "controls", ariaLabel: "What to train" },
    html("div", { className: "buttons" }, go, again),
    a.element,
    html("label", { className: "check" }, compare, html("span", { textContent: "Compare with a second objective" })),
    b.element,
    html(
      "fieldset",
      {},
      html("legend", { textContent: "Both lanes" }),
      rate.row,
      html("label", {}, html("span", { textContent: "Seed" }), seed),
    ),
    html("p", {
      className: "note",
      textContent: "You can change objective, divergence, τ and learning rate during training. A new seed starts over.",
    }),
    share,
  )
  element.addEventListener("submit", (event) => event.preventDefault())
  return {
    element,
    show: (next, { begun, running }) => {
      setup = next
      go.textContent = running ? "Pause" : begun ? "Resume" : "Start"
      again.disabled = !begun
      a.show(next.a)
      compare.checked = next.b !== null
      b.element.hidden = next.b === null
      if (next.b !== null) b.show(next.b)
      const key = String(next.learningRate)
      if (![...rate.select.options].some(({ value }) => value === key))
        rate.select.append(html("option", { value: key, textContent: key }))
      rate.select.value = key
      seed.value = next.seed
      share.textContent = "Copy link"
    },
  }
}
