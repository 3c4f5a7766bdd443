import { assert, it } from "@effect/vitest"
import { OpenAiSampler, type Problem, type Group, type Sampler, SamplingParams } from "@lpo/rollout"
import { Effect, Fiber, Redacted, Stream } from "effect"
import * as Sglang from "./sglang.ts"
import * as Vllm from "./vllm.ts"

const problem = (id: string, prompt: Problem.Problem["prompt"] = "1 2 3"): Problem.Problem => ({
  id,
  task: "t",
  prompt,
  answer: null,
})
const law = { groupSize: 4, maxTokens: 6, seed: "run/sample/1" }

const server = Effect.acquireRelease(
  Effect.promise(() => Vllm.start()),
  (double) => Effect.promise(() => double.close()),
)
const sampler = (doubles: ReadonlyArray<Vllm.Double>, options: Partial<OpenAiSampler.Options> = {}) =>
  OpenAiSampler.make({ servers: doubles.map(({ url }) => `${url}/`), model: "base", healthSeconds: 0.02, ...options })
const collect = (
  made: { readonly sampler: Sampler.SamplerService },
  problems: ReadonlyArray<Problem.Problem>,
  options: Partial<Sampler.SampleOptions> = {},
) => made.sampler.sample(problems, { ...law, ...options }).pipe(Stream.runCollect)

/** Log-probs of a group's tokens under the double's policy, computed apart from it. */
const expected = (group: Group.Group, folder: string): Array<Array<number>> =>
  group.completions.map(({ tokens }) => {
    let last = group.promptTokens.at(-1) ?? 0
    return Array.from(tokens, (token) => {
      const value = Vllm.policy(folder, last)[token] ?? Number.NaN
      last = token
      return value
    })
  })
const close = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  assert.strictEqual(a.length, b.length)
  for (let i = 0; i < a.length; i++) assert.closeTo(a[i], b[i], 1e-5)
}

it.live("samples groups with the tokens and log-probs of the policy, and says every field of the law", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double], { key: Redacted.make("k"), stops: [Vllm.stop] })
    const groups = yield* collect(made, [problem("a"), problem("b", "4 5")])
    assert.sameMembers(
      groups.map((g) => g.problem.id),
      ["a", "b"],
    )
    for (const group of groups) {
      assert.strictEqual(group.completions.length, 4)
      const truth = expected(group, "base")
      for (const [k, c] of group.completions.entries()) {
        close(c.logprobs, truth[k])
        assert.strictEqual(c.finish, c.tokens.at(-1) === Vllm.stop ? "stop" : "length")
        assert.strictEqual(c.policyVersion, 0)
        assert.deepStrictEqual(c.sampling, SamplingParams.make({ maxTokens: c.sampling.maxTokens }))
        assert.strictEqual(c.logprobsOf, "raw")
      }
    }
    const [request] = double.completions()
    assert.deepInclude(request?.body, {
      model: "base",
      prompt: [[1, 2, 3]],
      n: 4,
      max_tokens: 6,
      temperature: 1,
      top_p: 1,
      top_k: 0,
      min_p: 0,
      repetition_penalty: 1,
      stop_token_ids: [Vllm.stop],
      stop: [],
      logprobs: 0,
      return_token_ids: true,
      skip_special_tokens: false,
    })
    assert.strictEqual(request?.authorization, "Bearer k")
    // The same seed gives the same samples, whatever else is asked for.
    const again = yield* collect(made, [problem("b", "4 5")])
    const before = groups.find((g) => g.problem.id === "b")
    assert.deepStrictEqual(
      again[0]?.completions.map((c) => Array.from(c.tokens)),
      before?.completions.map((c) => Array.from(c.tokens)),
    )
  }).pipe(Effect.scoped),
)

it.live("puts choices that come out of order in their place", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    const [straight] = yield* collect(made, [problem("a")])
    double.faults.shuffled = true
    const [shuffled] = yield* collect(made, [problem("a")])
    assert.deepStrictEqual(
      shuffled.completions.map((c) => c.text),
      straight.completions.map((c) => c.text),
    )
  }).pipe(Effect.scoped),
)

it.live.each<{ name: string; spoil: Vllm.Faults["spoil"][number] }>([
  { name: "aborted", spoil: { index: 2, finish: "abort" } },
  { name: "failed", spoil: { index: 2, finish: "error" } },
  { name: "not finite", spoil: { index: 2, logprob: -9999 } },
])("asks again for the one completion that was $name, not for its group", ({ spoil }) =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    const [whole] = yield* collect(made, [problem("a")])
    double.asked.length = 0
    double.faults.spoil = [spoil]
    const [group] = yield* collect(made, [problem("a")])
    assert.deepStrictEqual(
      double.completions().map(({ body }) => body["n"]),
      [4, 1],
    )
    assert.deepStrictEqual(
      group.completions.map((c) => c.text),
      whole.completions.map((c) => c.text),
    )
  }).pipe(Effect.scoped),
)

it.live.each<{ name: string; reply: Vllm.Faults["replies"][number] }>([
  { name: "503", reply: { status: 503, body: "" } },
  { name: "429", reply: { status: 429, body: { error: { message: "busy" } }, headers: { "retry-after": "0" } } },
  { name: "500", reply: { status: 500, body: { object: "error", message: "engine", type: "InternalServerError" } } },
])("asks again after $name", ({ reply }) =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    double.faults.replies = [reply]
    const groups = yield* collect(made, [problem("a")])
    assert.strictEqual(groups.length, 1)
  }).pipe(Effect.scoped),
)

it.live("asks again after a connection that broke", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    double.faults.drop = 2
    assert.strictEqual((yield* collect(made, [problem("a")])).length, 1)
  }).pipe(Effect.scoped),
)

const nested = { error: { message: "prompt is too long", type: "BadRequestError", param: null, code: 400 } }
const flat = { object: "error", message: "prompt is too long", type: "BadRequestError", code: 400 }
it.live.each([
  { name: "a nested error body", body: nested },
  { name: "a flat error body", body: flat },
  { name: "FastAPI's error body", body: { detail: "prompt is too long" } },
])("fails at once, in the server's words, on 400 with $name", ({ body }) =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    double.asked.length = 0
    double.faults.replies = [{ status: 400, body }]
    const error = yield* Effect.flip(collect(made, [problem("a")]))
    assert.match(error.message, /problem a: .*HTTP 400: prompt is too long/)
    assert.strictEqual(error.retryable, false)
    assert.strictEqual(double.completions().length, 1)
  }).pipe(Effect.scoped),
)

it.live.each<{ name: string; faults: Partial<Vllm.Faults>; message: RegExp }>([
  { name: "another prompt", faults: { prompt: [1, 2, 4] }, message: /saw 3 prompt tokens/ },
  { name: "another model", faults: { model: "other" }, message: /model "other" answered/ },
])("refuses samples for $name than was asked", ({ faults, message }) =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    Object.assign(double.faults, faults)
    assert.match((yield* Effect.flip(collect(made, [problem("a")]))).message, message)
  }).pipe(Effect.scoped),
)

it.live.each<{
  name: string
  faults: Partial<Vllm.Faults>
  options?: Partial<OpenAiSampler.Options>
  message: RegExp
}>([
  { name: "without token ids", faults: { withoutIds: true }, message: /no token_ids.*vLLM 0\.10\.2/ },
  {
    name: "whose log-probs are logits",
    faults: { mode: "logits" },
    message: /they are logits; start the server with --logprobs-mode/,
  },
  {
    name: "whose log-probs are processed",
    faults: { mode: "processed" },
    message: /--logprobs-mode raw_logprobs, or set logprobs/,
  },
  {
    name: "whose log-probs are raw where processed ones are wanted",
    faults: {},
    options: { logprobs: "processed" },
    message: /--logprobs-mode processed_logprobs/,
  },
])("refuses at the start a server $name", ({ faults, message, options }) =>
  Effect.gen(function* () {
    const double = yield* server
    Object.assign(double.faults, faults)
    assert.match((yield* Effect.flip(sampler([double], options))).message, message)
  }).pipe(Effect.scoped),
)

it.live("takes processed log-probs where they are asked for", () =>
  Effect.gen(function* () {
    const double = yield* server
    double.faults.mode = "processed"
    const made = yield* sampler([double], { logprobs: "processed" })
    const [group] = yield* collect(made, [problem("a")], { temperature: 0.7 })
    assert.deepInclude(group.completions[0]?.sampling, { temperature: 0.7, topP: 1, topK: 0, minP: 0 })
    assert.strictEqual(group.completions[0]?.logprobsOf, "processed")
  }).pipe(Effect.scoped),
)

it.live("gives a group of greedy responses, all the same, though the server makes only one", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    const [group] = yield* collect(made, [problem("a")], { temperature: 0 })
    assert.strictEqual(group.completions.length, 4)
    for (const { logprobs, tokens } of group.completions) {
      assert.deepStrictEqual(tokens, group.completions[0]?.tokens)
      assert.isTrue(logprobs.every((v) => v > Math.log(1 / 12)))
    }
  }).pipe(Effect.scoped),
)

it.live("says so when no server is there", () =>
  Effect.gen(function* () {
    const double = yield* Effect.scoped(server)
    const error = yield* Effect.flip(sampler([double], { attempts: 2 }))
    assert.match(error.message, /no connection/)
    assert.strictEqual(error.retryable, true)
  }).pipe(Effect.scoped),
)

it.live("sends images as data URLs and keeps the prompt that the server made of them", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    const image = { type: "image" as const, format: "png" as const, data: Uint8Array.of(1, 2, 3) }
    const content = [{ type: "text" as const, text: "what is this?" }, image]
    const [group] = yield* collect(made, [problem("a", [{ role: "user", content }])])
    assert.deepStrictEqual(Array.from(group.promptTokens), [1, 2, 3])
    const chat = double.asked.find(({ path }) => path === "/v1/chat/completions")
    assert.deepStrictEqual(chat?.body["messages"][0].content[1], {
      type: "image_url",
      image_url: { url: "data:image/png;base64,AQID" },
    })
    close(group.completions[1]?.logprobs ?? [], expected(group, "base")[1])
  }).pipe(Effect.scoped),
)

it.live("publishes policies under new names, pins samples to them, and unloads the old", () =>
  Effect.gen(function* () {
    const double = yield* server
    const { adapters, sampler: service } = yield* sampler([double])
    for (const version of [1, 2]) yield* adapters.publish({ version, folder: `/adapters/${version}` })
    assert.deepStrictEqual([...double.adapters.keys()], ["policy-1", "policy-2"])
    // A stream that has begun goes on with its policy, whatever is published meanwhile.
    let release = () => {}
    double.faults.gate = new Promise((resolve) => (release = resolve))
    const running = yield* Effect.forkChild(collect({ sampler: service }, [problem("a")]), { startImmediately: true })
    while (double.load.inFlight === 0) yield* Effect.sleep(1)
    double.faults.gate = null
    for (const version of [3, 4]) yield* adapters.publish({ version, folder: `/adapters/${version}` })
    assert.include([...double.adapters.keys()], "policy-2")
    release()
    const [old] = yield* Fiber.join(running)
    assert.deepStrictEqual(
      old.completions.map((c) => c.policyVersion),
      [2, 2, 2, 2],
    )
    close(old.completions[0]?.logprobs ?? [], expected(old, "/adapters/2")[0])
    assert.deepStrictEqual([...double.adapters.keys()], ["policy-3", "policy-4"])
    const [fresh] = yield* collect({ sampler: service }, [problem("a")])
    close(fresh.completions[0]?.logprobs ?? [], expected(fresh, "/adapters/4")[0])
    assert.strictEqual(yield* adapters.version, 4)
  }).pipe(Effect.scoped),
)

it.live("never has more sequences under way on a server than it may", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double], { maxInFlight: 8 })
    const problems = Array.from({ length: 30 }, (_, i) => problem(String(i)))
    assert.strictEqual((yield* collect(made, problems)).length, 30)
    assert.isAtMost(double.load.most, 8)
  }).pipe(Effect.scoped),
)

it.live("shares the work fairly between servers and gives the same samples as one", () =>
  Effect.gen(function* () {
    const doubles = [yield* server, yield* server, yield* server]
    const made = yield* sampler(doubles, { maxInFlight: 4 })
    const problems = Array.from({ length: 60 }, (_, i) => problem(String(i)))
    const texts = (groups: ReadonlyArray<Group.Group>) =>
      new Map(groups.map((g) => [g.problem.id, g.completions.map((c) => c.text).join("|")]))
    const groups = yield* collect(made, problems)
    const served = [...(yield* made.adapters.served).values()]
    assert.strictEqual(
      served.reduce((a, b) => a + b),
      240,
    )
    for (const n of served) assert.isAtLeast(n, 40)
    const alone = yield* sampler([yield* server])
    const one = texts(yield* collect(alone, problems))
    for (const [id, text] of texts(groups)) assert.strictEqual(text, one.get(id))
  }).pipe(Effect.scoped),
)

it.live("goes on without a server that dies, and uses it again with its adapters when it is back", () =>
  Effect.gen(function* () {
    const [dying, other] = [yield* Effect.promise(() => Vllm.start()), yield* server]
    const made = yield* sampler([dying, other], { maxInFlight: 8 })
    yield* made.adapters.publish({ version: 1, folder: "/adapters/1" })
    yield* Effect.promise(dying.close)
    const problems = Array.from({ length: 12 }, (_, i) => problem(String(i)))
    assert.strictEqual((yield* collect(made, problems)).length, 12)
    const reborn = yield* Effect.acquireRelease(
      Effect.promise(() => Vllm.start(dying.port)),
      (double) => Effect.promise(() => double.close()),
    )
    while (!reborn.adapters.has("policy-1")) yield* Effect.sleep(5)
    while (reborn.completions().length === 0) {
      const [group] = yield* collect(made, problems.slice(0, 1))
      close(group.completions[0]?.logprobs ?? [], expected(group, "/adapters/1")[0])
    }
  }).pipe(Effect.scoped),
)

it.live("fails in the end, rather than hang, when every server stays away", () =>
  Effect.gen(function* () {
    const double = yield* Effect.promise(() => Vllm.start())
    const made = yield* sampler([double], { downSeconds: 0.1 })
    yield* Effect.promise(double.close)
    const error = yield* Effect.flip(collect(made, [problem("a")]))
    assert.match(error.message, /no server has answered \/health/)
  }).pipe(Effect.scoped),
)

it.live("takes a name over that another run has left with other weights, and explains a server without adapters", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double], { adapterName: "run-7" })
    double.adapters.set("run-7-1", "/adapters/old")
    yield* made.adapters.publish({ version: 1, folder: "/adapters/1" })
    const [group] = yield* collect(made, [problem("a")])
    close(group.completions[0].logprobs, expected(group, "/adapters/1")[0])
    const bare = yield* Effect.acquireRelease(Effect.promise(Sglang.start), (d) => Effect.promise(d.close))
    const other = yield* OpenAiSampler.make({ servers: [bare.url], model: "base", dialect: "sglang", tokenize })
    bare.withoutAdapters = true
    const error = yield* Effect.flip(other.adapters.publish({ version: 1, folder: "/adapters/1" }))
    assert.match(error.message, /HTTP 404.*--enable-lora/)
    assert.strictEqual(yield* other.adapters.version, 0)
  }).pipe(Effect.scoped),
)

const tokenize = () => Effect.succeed(Int32Array.of(1, 2, 3))

it.live("samples on SGLang's native route", () =>
  Effect.gen(function* () {
    const double = yield* Effect.acquireRelease(Effect.promise(Sglang.start), (d) => Effect.promise(d.close))
    const made = yield* OpenAiSampler.make({ servers: [double.url], model: "base", dialect: "sglang", tokenize })
    yield* made.adapters.publish({ version: 1, folder: "/adapters/1" })
    const [group] = yield* collect(made, [problem("a")])
    for (const [k, c] of group.completions.entries()) close(c.logprobs, expected(group, "/adapters/1")[k])
    assert.deepInclude(double.asked.at(-1), { lora_path: "policy-1", input_ids: [1, 2, 3], return_logprob: true })
    const [one] = yield* collect(made, [problem("a")], { groupSize: 1 })
    assert.strictEqual(one.completions.length, 1)
    const hot = yield* Effect.flip(collect(made, [problem("a")], { temperature: 0.5 }))
    assert.match(hot.message, /temperature is 0.5/)
  }).pipe(Effect.scoped),
)

it.live.each<{ name: string; options: OpenAiSampler.Options; message: RegExp }>([
  { name: "no server", options: { servers: [], model: "base" }, message: /servers is empty/ },
  {
    name: "SGLang without a tokenizer",
    options: { servers: ["http://127.0.0.1:9"], model: "base", dialect: "sglang" },
    message: /give tokenize/,
  },
])("refuses $name", ({ message, options }) =>
  Effect.gen(function* () {
    assert.match((yield* Effect.flip(OpenAiSampler.make(options))).message, message)
  }).pipe(Effect.scoped),
)

/** Whether a completion ends as the strings say: at the token that completes one, with a text that ends with it. */
const endsAt = ({ finish, text, tokens }: Group.Group["completions"][number], strings: ReadonlyArray<string>) => {
  const textOf = (n: number) =>
    Array.from(tokens.subarray(0, n))
      .filter((t) => t !== Vllm.stop)
      .join(" ")
  const holds = (n: number) => strings.some((string) => textOf(n).includes(string))
  assert.isFalse(holds(tokens.length - 1))
  const ended = holds(tokens.length)
  assert.strictEqual(text, ended ? text : textOf(tokens.length))
  if (ended) assert.isTrue(strings.some((string) => text.endsWith(string)) && textOf(tokens.length).startsWith(text))
  assert.strictEqual(finish, ended || tokens.at(-1) === Vllm.stop ? "stop" : "length")
  return ended
}

it.live("asks for min-p and stop strings, and gives the string back that the server cut off", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double], { stops: [Vllm.stop] })
    const stopStrings = ["3 1", "7"]
    const image = { type: "image", format: "png", data: Uint8Array.of(1) } as const
    const problems = [problem("a"), problem("b", "4 5"), problem("c", [{ role: "user", content: [image] }])]
    const groups = yield* collect(made, problems, { maxTokens: 20, minP: 0.01, stopStrings })
    const ended = groups.map((group) => group.completions.filter((c) => endsAt(c, stopStrings)).length)
    for (const n of ended) assert.isAbove(n, 0)
    for (const { path, body } of double.asked.filter(({ body: asked }) => asked["n"] === 4))
      assert.deepInclude(body, { min_p: 0.01, stop: stopStrings }, path)
    assert.deepInclude(groups[0]?.completions[0]?.sampling, { minP: 0.01 })
    double.faults.withoutReason = true
    const error = yield* Effect.flip(collect(made, [problem("a")], { maxTokens: 20, stopStrings }))
    assert.match(error.message, /has no stop_reason, so whether a stop string ended it is not known/)
  }).pipe(Effect.scoped),
)

it.live("gives SGLang the same, and gives back what it matched", () =>
  Effect.gen(function* () {
    const double = yield* Effect.acquireRelease(
      Effect.promise(() => Sglang.start()),
      ({ close: end }) => Effect.promise(end),
    )
    const tokenize = () => Effect.succeed(Int32Array.of(1, 2, 3))
    const made = yield* OpenAiSampler.make({ servers: [double.url], model: "base", dialect: "sglang", tokenize })
    const [group] = yield* collect(made, [problem("a")], {
      groupSize: 8,
      maxTokens: 20,
      minP: 0.02,
      stopStrings: ["3"],
    })
    const texts = group?.completions.map(({ text }) => text) ?? []
    assert.isTrue(texts.some((text) => text.endsWith("3")))
    for (const text of texts) assert.notInclude(text.slice(0, -1), "3")
    assert.deepInclude(double.asked.at(-1)?.["sampling_params"], { min_p: 0.02, stop: ["3"] })
  }).pipe(Effect.scoped),
)

it.live("refuses a min-p and stop strings that nothing could honour", () =>
  Effect.gen(function* () {
    const double = yield* server
    const made = yield* sampler([double])
    const refusal = (options: Partial<Sampler.SampleOptions>) =>
      Effect.map(Effect.flip(collect(made, [problem("a")], options)), ({ message }) => message)
    assert.match(yield* refusal({ minP: 1.5 }), /minP is 1.5; give a number from 0 \(off\) to 1/)
    assert.match(yield* refusal({ minP: Number.NaN }), /minP is NaN/)
    for (const text of ["", "\uD800", "a\uFFFD"])
      assert.match(yield* refusal({ stopStrings: ["b", text] }), /stopStrings has ".*"; give texts of one character/)
  }).pipe(Effect.scoped),
)

it.live("gives the server the variables of its chat template with every chat, and with no text", () =>
  Effect.gen(function* () {
    const double = yield* server
    const template = { enable_thinking: false }
    const made = yield* sampler([double], { template })
    const chat = (id: string, content: Problem.Message["content"]) => problem(id, [{ role: "user", content }])
    const image = { type: "image" as const, format: "png" as const, data: Uint8Array.of(1) }
    yield* collect(made, [problem("a"), chat("b", "1 2"), chat("c", [image])])
    const sent = (path: string) => double.asked.filter((one) => one.path === path).map(({ body }) => body)
    for (const body of [...sent("/tokenize"), ...sent("/v1/chat/completions")])
      assert.deepStrictEqual(body["chat_template_kwargs"], "messages" in body ? template : undefined)
    assert.isAbove(sent("/tokenize").filter((body) => "messages" in body).length, 0)
    assert.isAbove(sent("/v1/chat/completions").length, 0)
  }),
)
