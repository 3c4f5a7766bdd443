/**
 * Prompts with images for the models that show an image as one token of their vocabulary, repeated: Qwen2-VL, Qwen2.5-VL and Qwen3-VL.
 * The chat template writes that token once an image; here the image's file comes in its place, with the positions that it will take.
 *
 * @module
 */
import { ImageFile, type Problem } from "@lpo/rollout"
import { Result } from "effect"
import type * as Datum from "./Datum.ts"

/** How a model sees an image. @category models */
export interface Reader {
  /** The tokens before, for and after an image. */
  readonly tokens: readonly [start: number, image: number, end: number]
  /** Pixels on a side of the square that is one position. */
  readonly side: number
  /** Bounds on the pixels of an image, to which it is scaled. */
  readonly minPixels: number
  readonly maxPixels: number
}

/** An image of a prompt. @category models */
export type Image = Extract<Problem.Part, { readonly type: "image" }>

/** The model types whose images are read here. @category models */
export const families: ReadonlyArray<string> = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"]

type Json = Readonly<Record<string, unknown>>
const whole = (value: unknown): number | null =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 2 ** 31 ? Number(value) : null
/** Most positions of an image: what is above is a mistake of its sizes, and more than any model takes. */
const maxPositions = 2 ** 20

/**
 * The reader of a checkpoint by its `config.json` and `preprocessor_config.json`, or why there is none.
 *
 * @category constructors
 */
export const reader = (config: Json, preprocessor: Json | null): Result.Result<Reader, string> => {
  const { model_type } = config
  if (typeof model_type !== "string" || !families.includes(model_type))
    return Result.fail(
      `its model_type is ${JSON.stringify(model_type)}, and images are shown to ${families.join(", ")} only`,
    )
  if (preprocessor === null)
    return Result.fail("it has no preprocessor_config.json, which says how large its images are; add that file")
  const ids = ["vision_start_token_id", "image_token_id", "vision_end_token_id"] as const
  const [start, image, end] = ids.map((name) => whole(config[name]))
  if (start === null || image === null || end === null)
    return Result.fail(`its config.json lacks one of ${ids.join(", ")}; get the file again`)
  const size = (preprocessor["size"] ?? {}) as Json
  return Result.succeed({
    tokens: [start, image, end],
    side: (whole(preprocessor["patch_size"]) ?? 14) * (whole(preprocessor["merge_size"]) ?? 2),
    minPixels: whole(preprocessor["min_pixels"]) ?? whole(size["shortest_edge"]) ?? 56 * 56,
    maxPixels: whole(preprocessor["max_pixels"]) ?? whole(size["longest_edge"]) ?? 28 * 28 * 1280,
  })
}

/** Halves go to the even neighbour, as Python rounds. */
const round = (x: number): number => {
  const low = Math.floor(x)
  return x - low === 0.5 ? low + (low % 2) : Math.round(x)
}

/** The positions of an image of this size: it is scaled to sides that are multiples of `side`. @category combinators */
export const positions = ({ maxPixels, minPixels, side }: Reader, { height, width }: ImageFile.Size): number => {
  const area = (of: (length: number) => number): number => of(height) * of(width)
  const scaled = area((length) => round(length / side))
  if (scaled * side ** 2 > maxPixels) {
    const by = Math.sqrt((height * width) / maxPixels)
    return area((length) => Math.max(1, Math.floor(length / by / side)))
  }
  if (scaled * side ** 2 >= minPixels) return scaled
  const by = Math.sqrt(minPixels / (height * width))
  return area((length) => Math.ceil((length * by) / side))
}

/** Most times that one side of an image is the other. */
const maxAspect = 200

/**
 * A rendered prompt with its images in the places of the image tokens, in order; or why it cannot be had.
 *
 * @category constructors
 */
export const input = (
  reader: Reader,
  tokens: Int32Array,
  images: ReadonlyArray<Image>,
): Result.Result<Datum.ModelInput, string> => {
  const places = [...tokens.keys()].filter((at) => tokens[at] === reader.tokens[1])
  if (places.length !== images.length)
    return Result.fail(
      `the prompt has ${images.length} images and ${places.length} image tokens; a text may not have the token itself`,
    )
  const chunks: Array<Datum.Chunk> = []
  let from = 0
  for (const [i, { data }] of images.entries()) {
    const file = ImageFile.read(data)
    if ("refusal" in file) return Result.fail(`image ${i} ${file.refusal}`)
    const { format, height, width } = file
    if (Math.max(height, width) > maxAspect * Math.min(height, width))
      return Result.fail(
        `image ${i} has ${width} x ${height} pixels; one side may be at most ${maxAspect} times the other`,
      )
    const expectedTokens = positions(reader, file)
    if (expectedTokens > maxPositions)
      return Result.fail(
        `image ${i} of ${width} x ${height} pixels would take ${expectedTokens} positions, the most is ${maxPositions}; look at the sizes in preprocessor_config.json`,
      )
    if (places[i] > from) chunks.push({ type: "encoded_text", tokens: tokens.slice(from, places[i]) })
    chunks.push({ type: "image", data, format, expectedTokens })
    from = places[i] + 1
  }
  if (from < tokens.length) chunks.push({ type: "encoded_text", tokens: tokens.slice(from) })
  return Result.succeed(chunks)
}
