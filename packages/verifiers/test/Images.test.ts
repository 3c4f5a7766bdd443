/** Images of rows: whole files of a bounded size are shown to a model, and any other row is refused by what is wrong with it. */
import { Geometry3k } from "@lpo/verifiers"
import { Result } from "effect"
import { expect, it } from "vitest"
import { jpeg, png } from "./helpers/images.ts"

const read = (image: Uint8Array) => {
  const row = { images: [{ bytes: image }], problem: "<image>Find x.", answer: "48" }
  const made = Geometry3k.fromRow().geometry3k(row, "7")
  return Result.isFailure(made) ? made.failure.message : "read"
}

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))
/** A copy with other bytes from a place on. */
const patched = (file: Uint8Array, at: number, ...bytes: ReadonlyArray<number>): Uint8Array => {
  const out = Uint8Array.from(file)
  out.set(bytes, at)
  return out
}
/** Where a JPEG's frame has its height, its width behind it. */
const frame = Buffer.from(jpeg).indexOf(Uint8Array.of(0xff, 0xc0))
const sized = (...size: ReadonlyArray<number>) => patched(jpeg, frame + 5, ...size)

it("reads whole files, with what programs leave behind their ends", () => {
  const more = new Uint8Array(64)
  for (const file of [png, jpeg, joined(png, more), joined(jpeg, more)]) expect(read(file)).toBe("read")
  // A comment before the frame, and fill bytes before a marker.
  const comment = Uint8Array.of(0xff, 0xff, 0xff, 0xfe, 0, 4, 0x68, 0x69)
  expect(read(joined(jpeg.subarray(0, 2), comment, jpeg.subarray(2)))).toBe("read")
})

it("refuses a file cut off at any place, with the row", () => {
  for (const [file, kind] of [
    [png, "PNG"],
    [jpeg, "JPEG"],
  ] as const)
    for (let length = 0; length < file.length; length++) {
      const message = read(file.subarray(0, length))
      expect(message).toMatch(/^geometry3k, row 7: image 0 is /)
      if (length >= 8) expect(message).toMatch(`is a ${kind} that is cut off; get the file again`)
    }
})

it.each([
  ["a PNG without pixels", joined(png.subarray(0, 33), png.subarray(png.length - 12)), /has no pixels/],
  ["a PNG that begins with pixels", joined(png.subarray(0, 8), png.subarray(33)), /does not begin with its size/],
  ["a PNG of no width", patched(png, 16, 0, 0, 0, 0), /a PNG of 0 x 1 pixels; get/],
  ["a PNG whose chunk is endless", patched(png, 33, 0xff, 0xff, 0xff, 0xff), /cut off/],
  [
    "a PNG of too many pixels",
    patched(png, 16, 0, 1, 0, 0, 0, 1, 0, 0),
    /65536 x 65536 pixels; give one of at most 67108864/,
  ],
  ["a JPEG of too many pixels", sized(0xff, 0xff, 0xff, 0xff), /a JPEG of 65535 x 65535 pixels; give one of at most/],
  ["a JPEG of no height", sized(0, 0), /a JPEG of 1 x 0 pixels/],
  ["a JPEG with a gap", patched(jpeg, 2, 0xff, 0xe0, 0, 17), /does not begin where the one before ends/],
  ["a JPEG whose segment has no length", patched(jpeg, 2, 0xff, 0xe0, 0, 1), /a segment has no length/],
  ["a JPEG without a frame", patched(jpeg, frame, 0xff, 0xfe), /no frame before its pixels/],
  [
    "a file of too many bytes",
    joined(png, new Uint8Array(2 ** 24)),
    /a PNG of 167772\d\d bytes; give one of at most 16777216/,
  ],
  ["another format", Uint8Array.from(Buffer.from("GIF89a")), /neither PNG nor JPEG/],
])("refuses %s", (_, file, expected) => {
  expect(read(file)).toMatch(expected)
})
