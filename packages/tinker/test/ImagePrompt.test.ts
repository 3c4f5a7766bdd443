/** Images in prompts: how many positions each takes, and the chunks that come of a rendered chat. */
import { ImagePrompt } from "@lpo/tinker"
import { Result } from "effect"
import { expect, it } from "vitest"

/** A PNG of this size by its first chunk, as far as anything here looks into it. */
const png = (width: number, height: number): Uint8Array => {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)])
  }
  const size = Buffer.alloc(13)
  size.writeUInt32BE(width)
  size.writeUInt32BE(height, 4)
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", size),
    chunk("IDAT", Buffer.alloc(2)),
    chunk("IEND", Buffer.alloc(0)),
  ])
}
const image = (width: number, height: number) => ({ type: "image", format: "png", data: png(width, height) }) as const

const config = { model_type: "qwen2_5_vl", vision_start_token_id: 2, image_token_id: 3, vision_end_token_id: 4 }
const made = (more: object = {}, preprocessor: Record<string, unknown> | null = { patch_size: 14, merge_size: 2 }) =>
  ImagePrompt.reader({ ...config, ...more }, preprocessor)
const reader = Result.getOrThrow(made())
const why = <A>(result: Result.Result<A, string>): string => (Result.isFailure(result) ? result.failure : "")

/** Height, width, side, bounds, and the positions that `smart_resize` of transformers' Qwen2-VL gives. */
it.each([
  [40, 60, 28, 3136, 12845056, 6],
  [700, 434, 28, 3136, 12845056, 400],
  [42, 70, 28, 3136, 12845056, 4],
  [14, 14, 28, 3136, 12845056, 4],
  [1, 150, 28, 3136, 12845056, 25],
  [5000, 6000, 28, 3136, 12845056, 16240],
  [1000, 777, 28, 3136, 1003520, 1008],
  [16, 3000, 28, 3136, 1003520, 107],
  [33, 47, 32, 65536, 16777216, 70],
  [8192, 4096, 32, 65536, 16777216, 16290],
])("an image of %d x %d at %d takes the positions of transformers", (height, width, side, minPixels, maxPixels, n) => {
  expect(ImagePrompt.positions({ ...reader, side, minPixels, maxPixels }, { height, width })).toBe(n)
})

it("reads the sizes that either form of preprocessor_config.json gives", () => {
  expect(reader).toEqual({ tokens: [2, 3, 4], side: 28, minPixels: 3136, maxPixels: 1003520 })
  const edges = { patch_size: 16, merge_size: 2, size: { shortest_edge: 65536, longest_edge: 16777216 } }
  expect(Result.getOrThrow(made({ model_type: "qwen3_vl" }, edges))).toMatchObject({
    side: 32,
    minPixels: 65536,
    maxPixels: 16777216,
  })
  const bounds = { ...edges, min_pixels: 784, max_pixels: 12845056 }
  expect(Result.getOrThrow(made({}, bounds))).toMatchObject({ minPixels: 784, maxPixels: 12845056 })
})

it("says why a checkpoint reads no images", () => {
  expect(why(made({ model_type: "qwen3" }))).toMatch(/model_type is "qwen3", and images are shown to qwen2_vl, /)
  expect(why(made({}, null))).toMatch(/no preprocessor_config\.json/)
  expect(why(made({ image_token_id: "x" }))).toMatch(/lacks one of vision_start_token_id, image_token_id/)
})

it("puts each file in the place of its token", () => {
  const [first, second] = [image(56, 84), image(28, 280)]
  const tokens = Int32Array.of(7, 2, 3, 4, 5, 2, 3)
  expect(Result.getOrThrow(ImagePrompt.input(reader, tokens, [first, second]))).toEqual([
    { type: "encoded_text", tokens: Int32Array.of(7, 2) },
    { type: "image", format: "png", data: first.data, expectedTokens: 6 },
    { type: "encoded_text", tokens: Int32Array.of(4, 5, 2) },
    { type: "image", format: "png", data: second.data, expectedTokens: 10 },
  ])
  expect(Result.getOrThrow(ImagePrompt.input(reader, Int32Array.of(3, 6), [first]))).toHaveLength(2)
})

it("refuses an image without a place, a place without an image, and files that no server reads", () => {
  const tokens = Int32Array.of(2, 3, 4)
  const refused = (images: ReadonlyArray<ImagePrompt.Image>, of = tokens) => why(ImagePrompt.input(reader, of, images))
  expect(refused([])).toMatch(/has 0 images and 1 image tokens/)
  expect(refused([image(9, 9), image(9, 9)])).toMatch(/has 2 images and 1 image tokens/)
  expect(refused([image(9, 9)], Int32Array.of(2, 4))).toMatch(/has 1 images and 0 image tokens/)
  expect(refused([image(1, 201)])).toMatch(/image 0 has 1 x 201 pixels; one side may be at most 200 times the other/)
  const cut = { ...image(9, 9), data: png(9, 9).subarray(0, 40) }
  expect(refused([cut])).toMatch(/image 0 is a PNG that is cut off; get the file again/)
  expect(refused([{ ...cut, data: Buffer.from("GIF89a") }])).toMatch(/image 0 is neither PNG nor JPEG/)
})

it.each([
  ["a patch of 2^40", { patch_size: 2 ** 40, merge_size: 2 }, null],
  ["more pixels than there are", { patch_size: 1, merge_size: 1, min_pixels: 2 ** 30 }, /would take \d+ positions/],
  ["a number that is none", { patch_size: "14", merge_size: Number.NaN, max_pixels: 1e300, min_pixels: -1 }, null],
  ["half a patch", { patch_size: 0.5, merge_size: 0 }, null],
])("a preprocessor with %s makes no prompt without an end", (_, preprocessor, refusal) => {
  const own = Result.getOrThrow(made({}, preprocessor))
  const input = ImagePrompt.input(own, Int32Array.of(2, 3, 4), [image(60, 40)])
  if (refusal !== null) return expect(why(input)).toMatch(refusal)
  // What is not a size is passed over, as where it is not given.
  expect(Result.getOrThrow(input)).toEqual(
    Result.getOrThrow(ImagePrompt.input(reader, Int32Array.of(2, 3, 4), [image(60, 40)])),
  )
})
