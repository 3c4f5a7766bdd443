/** CRC-32C (Castagnoli), which TFRecord frames use; `zlib.crc32` is another polynomial. */
const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
  return c >>> 0
})

export const crc32c = (data: Uint8Array): number => {
  let c = 0xffffffff
  for (const byte of data) c = table[(c ^ byte) & 0xff] ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

/** The masked form in a frame: rotated, with a constant added, so data may itself contain checksums. */
export const masked = (data: Uint8Array): number => {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
