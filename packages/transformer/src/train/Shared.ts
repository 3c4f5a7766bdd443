/** Room for vectors that several threads see, where there are such: a page that is not isolated from other origins has none. */
export const room = (bytes: number): ArrayBufferLike =>
  typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes)
