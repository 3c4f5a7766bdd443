/**
 * The interactive figure of the simplex guide: three responses, their rewards, tau and a divergence; the triangle shows where
 * P starts, where w* is, and the way between them. Drag P, or the reward bars; every control works from the keyboard too.
 */
import { html, svg } from "../Dom.ts"
import { corners, type Point, toDistribution, toPoint } from "./geometry.ts"
import { type Controls, divergences, view } from "./state.ts"

const side = 320
const margin = 36
const bar = { width: 44, gap: 26, height: 180, top: 30 }

const place = (p: ArrayLike<number>): Point => {
  const { x, y } = toPoint(p)
  return { x: margin + x * side, y: margin + y * side }
}
const three = (v: number): string => v.toFixed(3)

/** Calls `move` with the pointer's place in the SVG's own units while `handle` is dragged. */
const draggable = (handle: SVGElement, canvas: SVGSVGElement, move: (point: Point) => void): void => {
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault()
    handle.setPointerCapture(event.pointerId)
    const follow = (moved: PointerEvent): void => {
      const matrix = canvas.getScreenCTM()
      if (matrix !== null) move(new DOMPoint(moved.clientX, moved.clientY).matrixTransform(matrix.inverse()))
    }
    handle.addEventListener("pointermove", follow)
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", follow), { once: true })
  })
}

/** A slider with its label and a readout. */
const slider = (label: string, range: { min: number; max: number; step: number }, change: (value: number) => void) => {
  const input = html("input", { type: "range", ariaLabel: label })
  input.min = String(range.min)
  input.max = String(range.max)
  input.step = String(range.step)
  const output = html("output", {})
  input.addEventListener("input", () => change(Number(input.value)))
  return { row: html("label", {}, html("span", { textContent: label }), input, output), input, output }
}

/** Draws the figure into an element. */
export const mount = (root: HTMLElement): void => {
  let controls: Controls = {
    rewards: [1, 0.4, 0],
    tau: 0.4,
    divergence: "forward-kl",
    start: Float64Array.of(0.15, 0.25, 0.6),
  }
  const set = (change: Partial<Controls>): void => {
    controls = { ...controls, ...change }
    draw()
  }
  const setReward = (k: number, value: number): void =>
    set({ rewards: controls.rewards.map((r, i) => (i === k ? Math.min(1, Math.max(0, value)) : r)) })

  const triangle = svg("svg", {
    viewBox: `0 0 ${side + 2 * margin} ${side * 0.87 + 2 * margin}`,
    role: "group",
    "aria-label": "The simplex of three responses",
  }) as SVGSVGElement
  const outline = svg("polygon", {
    class: "outline",
    points: corners
      .map((_, k) => [0, 1, 2].map((i) => (i === k ? 1 : 0)))
      .map((p) => {
        const q = place(p)
        return `${q.x},${q.y}`
      })
      .join(" "),
  })
  const path = svg("polyline", { class: "path" })
  const target = svg("circle", { class: "target", r: 7 })
  const policy = svg("circle", {
    class: "policy",
    r: 9,
    tabindex: 0,
    role: "slider",
    "aria-label": "P, the policy",
    "aria-valuemin": 0,
    "aria-valuemax": 1,
  })
  const names = [
    { x: place([1, 0, 0]).x, y: margin - 14 },
    { x: margin - 8, y: place([0, 1, 0]).y + 24 },
    { x: margin + side + 8, y: place([0, 0, 1]).y + 24 },
  ].map(({ x, y }, k) => svg("text", { x, y, "text-anchor": "middle" }, `y${"₁₂₃"[k]}`))
  triangle.append(outline, path, target, policy, ...names)
  draggable(policy, triangle, ({ x, y }) =>
    set({ start: toDistribution({ x: (x - margin) / side, y: (y - margin) / side }) }),
  )
  policy.addEventListener("keydown", (event) => {
    const moves: Readonly<Record<string, Point>> = {
      ArrowLeft: { x: -0.02, y: 0 },
      ArrowRight: { x: 0.02, y: 0 },
      ArrowUp: { x: 0, y: -0.02 },
      ArrowDown: { x: 0, y: 0.02 },
    }
    const move = moves[event.key]
    if (move === undefined) return
    event.preventDefault()
    const at = toPoint(controls.start)
    set({ start: toDistribution({ x: at.x + move.x, y: at.y + move.y }) })
  })

  const bars = svg("svg", {
    viewBox: `0 0 ${3 * bar.width + 4 * bar.gap} ${bar.height + bar.top + 30}`,
    role: "img",
    "aria-label": "Rewards",
  }) as SVGSVGElement
  const columns = [0, 1, 2].map((k) => {
    const x = bar.gap + k * (bar.width + bar.gap)
    const column = svg("rect", { class: "reward", x, width: bar.width })
    const handle = svg("rect", { class: "handle", x: x - 4, width: bar.width + 8, height: 12, rx: 4 })
    const value = svg("text", { x: x + bar.width / 2, "text-anchor": "middle" })
    const name = svg(
      "text",
      { x: x + bar.width / 2, y: bar.top + bar.height + 22, "text-anchor": "middle" },
      `R${"₁₂₃"[k]}`,
    )
    bars.append(column, handle, value, name)
    draggable(handle, bars, ({ y }) => setReward(k, Math.round((1 - (y - bar.top) / bar.height) * 100) / 100))
    return { column, handle, value }
  })

  const rewards = [0, 1, 2].map((k) =>
    slider(`reward ${k + 1}`, { min: 0, max: 1, step: 0.01 }, (v) => setReward(k, v)),
  )
  // tau over three decades: the slider moves its logarithm.
  const tau = slider("tau", { min: -2, max: 1, step: 0.01 }, (v) => set({ tau: 10 ** v }))
  const choice = html(
    "select",
    { ariaLabel: "divergence" },
    ...Object.keys(divergences).map((name) => html("option", { value: name, textContent: name })),
  )
  choice.addEventListener("change", () => set({ divergence: choice.value }))
  const table = html("table", {})
  const summary = html("p", { className: "summary" })

  const draw = (): void => {
    const { coefficients, ess, gainBound, path: way, target: w, value } = view(controls)
    const at = (element: SVGElement, p: ArrayLike<number>): void => {
      const { x, y } = place(p)
      element.setAttribute("cx", String(x))
      element.setAttribute("cy", String(y))
    }
    at(policy, controls.start)
    at(target, w)
    policy.setAttribute("aria-valuenow", three(controls.start[0]))
    policy.setAttribute("aria-valuetext", Array.from(controls.start, three).join(", "))
    path.setAttribute(
      "points",
      way
        .map((p) => place(p))
        .map(({ x, y }) => `${x.toFixed(2)},${y.toFixed(2)}`)
        .join(" "),
    )
    for (const [k, { column, handle, value: text }] of columns.entries()) {
      const height = controls.rewards[k] * bar.height
      const top = bar.top + bar.height - height
      column.setAttribute("y", String(top))
      column.setAttribute("height", String(height))
      handle.setAttribute("y", String(top - 6))
      text.setAttribute("y", String(top - 12))
      text.textContent = controls.rewards[k].toFixed(2)
      rewards[k].input.value = String(controls.rewards[k])
      rewards[k].output.textContent = controls.rewards[k].toFixed(2)
    }
    tau.input.value = String(Math.log10(controls.tau))
    tau.output.textContent = controls.tau.toPrecision(3)
    choice.value = controls.divergence
    const row = (head: boolean, cells: ReadonlyArray<string>): HTMLTableRowElement =>
      html("tr", {}, ...cells.map((textContent) => html(head ? "th" : "td", { textContent })))
    table.replaceChildren(
      row(true, ["", "reward", "P", "w*", "c"]),
      ...controls.rewards.map((r, k) =>
        row(false, [`y${"₁₂₃"[k]}`, r.toFixed(2), three(controls.start[k]), three(w[k]), three(coefficients[k])]),
      ),
    )
    summary.textContent = `${controls.divergence} ${value.toPrecision(3)}; effective sample size of w* ${ess.toFixed(2)} of 3; an update that ends on w* gains at least ${gainBound.toFixed(3)} (Theorem 2)`
  }

  root.replaceChildren(
    html("div", { className: "canvas" }, triangle, bars),
    html(
      "div",
      { className: "controls" },
      ...rewards.map(({ row }) => row),
      tau.row,
      html("label", {}, html("span", { textContent: "divergence" }), choice),
    ),
    table,
    summary,
  )
  draw()
}
