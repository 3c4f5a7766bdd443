/**
 * Requests of forward and forward_backward as bytes, cut into chunks that the server takes: at most so many datums and so
 * many bytes each, in order. A datum that is larger alone goes alone.
 *
 * @module
 */
import type { Chunk, Datum, ModelInput, Tensor } from "./Datum.ts"
import * as Protobuf from "./Protobuf.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import type { Body } from "./Transport.ts"

/** @category models */
export interface Limits {
  readonly datums: number
  readonly bytes: number
}

/** @category models */
export interface Request {
  readonly datums: ReadonlyArray<Datum>
  readonly lossFn: string
  readonly lossConfig?: Readonly<Record<string, number>>
  readonly forwardOnly: boolean
}

const chunkJson = (chunk: Chunk): unknown => {
  if (chunk.type === "encoded_text") return { type: chunk.type, tokens: Array.from(chunk.tokens) }
  const { expectedTokens, format, type } = chunk
  const expected = expectedTokens === undefined ? {} : { expected_tokens: expectedTokens }
  return type === "image"
    ? { type, data: Buffer.from(chunk.data).toString("base64"), format, ...expected }
    : { type, location: chunk.location, format, ...expected }
}

/** A prompt as JSON. @category encoding */
export const modelInput = (input: ModelInput): unknown => ({ chunks: input.map(chunkJson) })

/** Values as JSON text. Weights repeat over a response, so the last value's text is kept. */
const valuesJson = (data: Float32Array | Int32Array): string => {
  if (data instanceof Int32Array) return data.join(",")
  let last = Number.NaN
  let text = ""
  let out = ""
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== last) {
      last = data[i]
      text = String(last)
    }
    out += i === 0 ? text : `,${text}`
  }
  return out
}

const tensorJson = ({ data, dtype, shape }: Tensor): string =>
  `{"data":[${valuesJson(data)}],"dtype":"${dtype}"${shape === undefined ? "" : `,"shape":[${shape.join(",")}]`}}`

const datumJson = (datum: Datum): string =>
  `{"model_input":${JSON.stringify(modelInput(datum.modelInput))},"loss_fn_inputs":{${Object.entries(datum.lossInputs)
    .map(([name, tensor]) => `${JSON.stringify(name)}:${tensorJson(tensor)}`)
    .join(",")}}}`

/** Items in order, cut where the next would exceed a limit. @category combinators */
export const cut = <A>(
  items: ReadonlyArray<A>,
  size: (item: A) => number,
  limits: Limits,
): ReadonlyArray<ReadonlyArray<A>> => {
  const out: Array<Array<A>> = []
  let bytes = 0
  for (const item of items) {
    const own = size(item)
    const part = out.at(-1)
    if (part === undefined || part.length >= limits.datums || bytes + own > limits.bytes) {
      out.push([item])
      bytes = own
    } else {
      part.push(item)
      bytes += own
    }
  }
  return out
}

/** A request as bodies that need only the model and a sequence number. @category encoding */
export const chunks = (
  profile: ServerProfile,
  limits: Limits,
  request: Request,
): ReadonlyArray<(modelId: string, seqId: number) => { readonly path: string; readonly body: Body }> => {
  const { forwardOnly, lossConfig, lossFn } = request
  if (profile.encoding === "protobuf") {
    return cut(request.datums.map(Protobuf.datum), (d) => d.length, limits).map((datums) => (modelId, seqId) => ({
      path: "/forward_backward",
      body: {
        bytes: Protobuf.request({
          modelId,
          seqId,
          datums,
          lossFn,
          forwardOnly,
          ...(lossConfig === undefined ? {} : { lossConfig }),
        }),
        contentType: Protobuf.contentType,
      },
    }))
  }
  const key = forwardOnly ? "forward_input" : "forward_backward_input"
  const config = lossConfig === undefined ? "" : `,"loss_fn_config":${JSON.stringify(lossConfig)}`
  // A JSON datum of this protocol is ASCII but for image locations, so its length is its bytes.
  return cut(request.datums.map(datumJson), (d) => d.length, limits).map((datums) => (modelId, seqId) => ({
    path: forwardOnly ? "/forward" : "/forward_backward",
    body: {
      bytes: Buffer.from(
        `{"model_id":${JSON.stringify(modelId)},"seq_id":${seqId},"${key}":{"loss_fn":${JSON.stringify(lossFn)},"data":[${datums.join(",")}]${config}}}`,
      ),
      contentType: "application/json",
    },
  }))
}

/** Metrics of chunks as those of the whole, by the suffix after `:`; `mean` is weighted by the outputs. @category combinators */
export const mergeMetrics = (
  parts: ReadonlyArray<{ readonly outputs: number; readonly metrics: Readonly<Record<string, number>> }>,
): Record<string, number> => {
  const out: Record<string, number> = {}
  for (const name of new Set(parts.flatMap(({ metrics }) => Object.keys(metrics)))) {
    const having = parts.filter(({ metrics }) => name in metrics)
    const values = having.map(({ metrics }) => metrics[name])
    const suffix = name.slice(name.lastIndexOf(":") + 1)
    if (suffix === "min") out[name] = Math.min(...values)
    else if (suffix === "max") out[name] = Math.max(...values)
    else {
      const weights = having.map(({ outputs }) => (suffix === "sum" ? 1 : outputs))
      const total = values.reduce((sum, v, i) => sum + v * weights[i], 0)
      out[name] = suffix === "sum" ? total : total / weights.reduce((a, b) => a + b, 0)
    }
  }
  return out
}
