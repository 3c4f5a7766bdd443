/** Images of rows, and the text that their `<image>` placeholders stand in. */
import { ImageFile, type Problem, Terminal } from "@lpo/rollout"
import { isRecord, refuse, show } from "./Columns.ts"

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** An image as rows have it: its bytes (base64 in JSON), alone or as `{ bytes, path }`. */
const imageOf = (image: unknown, at: number): Extract<Problem.Part, { readonly type: "image" }> => {
  const value = isRecord(image) ? (image["bytes"] ?? undefined) : image
  if (value === undefined) {
    const path = isRecord(image) ? (image["path"] ?? image["image"]) : null
    return refuse(
      `image ${at} has no bytes${path === null || path === undefined ? "" : `, only the path ${show(path)}`}; read them in first`,
    )
  }
  let data: Uint8Array | null = null
  if (value instanceof Uint8Array) data = value
  else if (typeof value === "string") {
    if (/\.(?:png|jpe?g)$/i.test(value)) return refuse(`image ${at} is the path ${show(value)}; give its bytes`)
    // A reader that decodes every binary column as UTF-8 has lost the bytes.
    if (!base64.test(value))
      return refuse(`image ${at} is text that is not base64; read the column as bytes, not as UTF-8`)
    data = Uint8Array.from(Buffer.from(value, "base64"))
  } else if (Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256))
    data = Uint8Array.from(value)
  if (data === null) return refuse(`image ${at} is ${show(value)}; give its bytes`)
  const file = ImageFile.read(data)
  return "refusal" in file ? refuse(`image ${at} ${file.refusal}`) : { type: "image", format: file.format, data }
}

/** Text and image parts in the order of the placeholders, as many of which there must be as images. */
export const weave = (text: string, images: ReadonlyArray<unknown>): Array<Problem.Part> => {
  const texts = text.split("<image>")
  if (texts.length - 1 !== images.length)
    return refuse(
      `it has ${Terminal.counted(texts.length - 1, "<image> placeholder")} and ${Terminal.counted(images.length, "image")}; give one for each`,
    )
  const parts: Array<Problem.Part> = []
  const say = (text: string): void => {
    if (text.trim() !== "") parts.push({ type: "text", text: text.trim() })
  }
  say(texts[0])
  for (const [i, image] of images.entries()) {
    parts.push(imageOf(image, i))
    say(texts[i + 1])
  }
  return parts
}
