/**
 * PNG and JPEG files as far as one must look into them to know that they are whole, and how large a picture they hold.
 *
 * @module
 */
import "./SupportedNode.ts"

/** Most bytes of a file: servers refuse a request that is larger. @category limits */
export const maxBytes = 2 ** 24
/** Most pixels of a picture, some 8,192 on a side: it is unpacked in memory where it is read. @category limits */
export const maxPixels = 2 ** 26

/** Pixels. @category models */
export interface Size {
  readonly width: number
  readonly height: number
}

const starts = (bytes: Uint8Array, first: ReadonlyArray<number>): boolean => first.every((byte, i) => bytes[i] === byte)

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const cut = "is cut off"

/** The size of a PNG, whose chunks must go on to its end; or what is wrong with it. */
const png = (bytes: Uint8Array): Size | string => {
  const data = view(bytes)
  let size: Size | null = null
  let pixels = false
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = data.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (at + 12 + length > bytes.length) return cut
    if (size === null) {
      if (type !== "IHDR" || length !== 13) return "is broken: it does not begin with its size"
      size = { width: data.getUint32(at + 8), height: data.getUint32(at + 12) }
    }
    pixels ||= type === "IDAT"
    if (type === "IEND") return pixels ? size : "is broken: it has no pixels"
    at += 12 + length
  }
  return cut
}

/** The size of a JPEG, whose segments must go on to the scan, and the scan to its end; or what is wrong with it. */
const jpeg = (bytes: Uint8Array): Size | string => {
  const data = view(bytes)
  let size: Size | null = null
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return "is broken: a segment does not begin where the one before ends"
    const marker = bytes[at + 1]
    // Any number of 0xff may stand before a marker.
    if (marker === 0xff) {
      at++
      continue
    }
    const length = data.getUint16(at + 2)
    if (length < 2) return "is broken: a segment has no length"
    if (at + 2 + length > bytes.length) return cut
    // Frames of all kinds; 0xc4, 0xc8 and 0xcc are tables.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (length < 8) return "is broken: its frame has no size"
      size = { height: data.getUint16(at + 5), width: data.getUint16(at + 7) }
    }
    if (marker === 0xda) {
      if (size === null) return "is broken: it has no frame before its pixels"
      for (let end = bytes.length - 2; end >= at + 2 + length; end--)
        if (bytes[end] === 0xff && bytes[end + 1] === 0xd9) return size
      return cut
    }
    at += 2 + length
  }
  return cut
}

/** Format and size of an image file, or in words that follow "the image" why it cannot be shown to a model. @category reading */
export const read = (
  bytes: Uint8Array,
): ({ readonly format: "png" | "jpeg" } & Size) | { readonly refusal: string } => {
  const format = starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    ? "png"
    : starts(bytes, [0xff, 0xd8, 0xff])
      ? "jpeg"
      : null
  if (format === null) return { refusal: "is neither PNG nor JPEG" }
  const kind = format === "png" ? "a PNG" : "a JPEG"
  if (bytes.length > maxBytes)
    return { refusal: `is ${kind} of ${bytes.length} bytes; give one of at most ${maxBytes}, with fewer pixels` }
  const size = format === "png" ? png(bytes) : jpeg(bytes)
  if (typeof size === "string") return { refusal: `is ${kind} that ${size}; get the file again` }
  const { height, width } = size
  if (width < 1 || height < 1) return { refusal: `is ${kind} of ${width} x ${height} pixels; get the file again` }
  return width * height > maxPixels
    ? { refusal: `is ${kind} of ${width} x ${height} pixels; give one of at most ${maxPixels} in all` }
    : { format, height, width }
}
