/**
 * One request and one answer on the wire, within limits: bytes after decompression, seconds from the first byte sent to the last
 * byte read, and no redirect. A server that is not trusted can cost no more than that.
 */

/** @category models */
export interface Wanted {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  /** Largest answer, in bytes after decompression. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** @category models */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
  /** The answer is longer than `maxBytes`; `bytes` are its beginning. */
  readonly isCut: boolean
}

/** Largest answer that is not a result: ids, limits, lists of checkpoints. @category constants */
export const maxBytes = 8 * 2 ** 20
/** Largest result of a pass or of sampling. @category constants */
export const maxResultBytes = 256 * 2 ** 20
/** What is read of a refusal. */
const maxRefusalBytes = 64 * 1024

/** Sends a request. Rejects where no whole answer came, with an AbortError where the signal ended it. @category requests */
export const exchange = async (url: string, { body, headers, maxBytes, method, signal }: Wanted): Promise<Reply> => {
  // Followed, a redirect would carry the key to whoever it names.
  const response = await fetch(url, {
    method,
    headers,
    signal,
    redirect: "manual",
    ...(body !== null && { body: body as Uint8Array<ArrayBuffer> }),
  })
  const limit = response.status < 300 ? maxBytes : Math.min(maxBytes, maxRefusalBytes)
  const parts: Array<Uint8Array> = []
  let length = 0
  // Leaving the loop cancels the rest.
  for await (const part of response.body ?? []) {
    parts.push(part)
    length += part.length
    if (length > limit) break
  }
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    bytes: new Uint8Array(Buffer.concat(parts).subarray(0, limit)),
    isCut: length > limit,
  }
}
