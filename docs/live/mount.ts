/**
 * The training page: a small language model learns Countdown in the reader's browser, by one objective or by two side by side. What
 * trains are the packages themselves, in a worker for each lane.
 */
import kernels from "@lpo/transformer/kernels.wasm?url"
import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url"
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url"
import model from "../../apps/polaris/assets/countdown-tiny.safetensors?url"
import * as Chart from "./Chart.ts"
import * as Controls from "./Controls.ts"
import { html } from "../figures/Dom.ts"
import * as Explorer from "./Explorer.ts"
import * as Lane from "./Lane.ts"
import type { Assets, News } from "./Protocol.ts"
import * as State from "./State.ts"

/** A worker may stand elsewhere, so addresses are whole. */
const whole = (url: string): string => new URL(url, document.baseURI).href

const assets: Assets = {
  model: whole(model),
  kernels: whole(kernels),
  tensorflow: { "tfjs-backend-wasm.wasm": whole(plain), "tfjs-backend-wasm-simd.wasm": whole(simd) },
}

const percent = (v: number): string => `${(100 * v).toFixed(v < 0.1 ? 1 : 0)} %`
const two = (v: number): string => v.toFixed(2)

const charts = () => ({
  passRate: Chart.make({
    title: "Pass rate",
    about: "Share of answers that the verifier finds right. Bold: mean of the last 10 steps; dashed: where it started.",
    rolling: 10,
    format: percent,
    start: true,
    height: 260,
  }),
  solvedRate: Chart.make({
    title: "Puzzles solved",
    about: "Share of puzzles with a right answer among the eight.",
    rolling: 10,
    format: percent,
    start: false,
    height: 150,
  }),
  entropy: Chart.make({
    title: "Entropy",
    about: "How undecided the model is, nats per token.",
    rolling: 5,
    format: two,
    start: false,
    height: 150,
  }),
  targetKl: Chart.make({
    title: "KL(w*‖P)",
    about: "How far the model is from its target after the step, nats.",
    rolling: 5,
    format: two,
    start: false,
    height: 150,
  }),
})

/** Puts the page into `root`; gives what takes it out again. */
export const mount = (root: HTMLElement): (() => void) => {
  let setup = State.fromHash(location.hash)
  let lanes: Array<Lane.Lane> = []
  let running = false
  /** Whether the status says why training stopped, which nothing but a new start may write over. */
  let failed = false
  let device = ""
  /** The lanes that have confirmed that they stand still. */
  const paused = new Set<number>()
  const drawn = charts()
  const explorer = Explorer.make()
  const status = html("p", { className: "status", role: "status" })
  const choices = (): ReadonlyArray<State.Choice> => (setup.b === null ? [setup.a] : [setup.a, setup.b])
  const names = (): ReadonlyArray<string> =>
    choices().map((choice, i) => (setup.b === null ? State.describe(choice) : `${"AB"[i]}, ${State.describe(choice)}`))
  const say = (text: string): void => {
    // A screen reader hears what changes, not the same again.
    if (status.textContent !== text) status.textContent = text
  }
  const draw = (): void => {
    const called = names()
    for (const [key, chart] of Object.entries(drawn))
      chart.draw(
        called.map((name, i) => ({
          name,
          values: lanes[i]?.reports.map((report) => report[key as keyof typeof drawn]) ?? [],
          changes: lanes[i]?.changes ?? [],
        })),
      )
  }
  const progress = (): string => {
    const steps = lanes.map(({ reports }) => reports.length).join(" and ")
    return `${running ? "Training: now at" : "Paused after"} ${steps} steps${device === "" ? "" : `, on ${device}`}.`
  }
  const onNews = (lane: number, news: News): void => {
    if (news.kind === "ready") ({ device } = news)
    if (news.kind === "failed") {
      running = false
      failed = true
      for (const one of lanes) one.pause()
      // A lane that never took a step may have no loop to resume.
      if (lanes[lane]?.reports.length === 0) close()
      controls.show(setup, { running, begun: lanes.length > 0 })
      say(`Training stopped: ${news.reason}`)
    }
    if (news.kind === "state" && !news.running && !running) {
      paused.add(lane)
      if (paused.size === lanes.length && !failed) say(progress())
    }
    if (news.kind !== "step") return
    if (running && (news.report.step === 1 || news.report.step % 10 === 0)) say(progress())
    draw()
  }
  const close = (): void => {
    for (const lane of lanes) lane.close()
    lanes = []
    paused.clear()
    running = false
  }
  const openLane = (choice: State.Choice, i: number): Lane.Lane =>
    Lane.open({
      assets,
      seed: setup.seed,
      knobs: State.knobs(choice, setup.learningRate),
      onNews: (news) => (news.kind === "groups" ? explorer.add(i, news.groups) : onNews(i, news)),
    })
  const restart = (): void => {
    close()
    failed = false
    explorer.reset(names())
    draw()
    say("Ready. Press Start: the first point appears within seconds.")
  }
  const toggle = (): void => {
    if (lanes.length === 0) {
      say("Loading the model and the kernels …")
      lanes = choices().map(openLane)
    }
    running = !running
    failed = false
    paused.clear()
    if (!running) say("Pausing …")
    for (const lane of lanes) {
      if (running) lane.go()
      else lane.pause()
    }
    if (running && lanes.some(({ reports }) => reports.length > 0)) say(progress())
    controls.show(setup, { running, begun: true })
  }
  const change = (next: State.Setup): void => {
    const before = setup
    setup = next
    history.replaceState(null, "", State.toHash(setup))
    const startsOver = before.seed !== next.seed || (before.b === null) !== (next.b === null)
    if (startsOver) restart()
    else
      for (const [i, choice] of choices().entries()) {
        const knobs = State.knobs(choice, next.learningRate)
        const old = [before.a, before.b ?? before.a][i]
        if (JSON.stringify(knobs) !== JSON.stringify(State.knobs(old, before.learningRate))) lanes[i]?.change(knobs)
      }
    controls.show(setup, { running, begun: lanes.length > 0 })
    draw()
  }
  const controls = Controls.make({
    change,
    toggle,
    restart: () => {
      restart()
      controls.show(setup, { running, begun: false })
    },
  })
  const onHash = (): void => {
    setup = State.fromHash(location.hash)
    restart()
    controls.show(setup, { running, begun: false })
  }
  addEventListener("hashchange", onHash)
  const { entropy, passRate, solvedRate, targetKl } = drawn
  root.classList.add("lpo-live")
  root.replaceChildren(
    html(
      "div",
      { className: "layout" },
      controls.element,
      html(
        "div",
        { className: "sight" },
        status,
        passRate.element,
        html("div", { className: "small" }, solvedRate.element, entropy.element, targetKl.element),
        explorer.element,
      ),
    ),
  )
  restart()
  controls.show(setup, { running, begun: false })
  return () => {
    removeEventListener("hashchange", onHash)
    close()
    root.replaceChildren()
  }
}
