/** A local HTTP server that speaks the routes of the Hugging Face hub for one model. */
import { createHash } from "node:crypto"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"

export interface HubDouble {
  readonly endpoint: string
  /** Method, path and `range` header of every request. */
  readonly requests: Array<string>
  /** The connection of the next download of this file breaks after so many bytes. */
  readonly breakAfter: Map<string, number>
  /** What is sent for a file, where it is not what the hash says. */
  readonly corrupt: Map<string, Buffer>
  readonly close: () => Promise<void>
}

export const commit = "0123456789abcdef0123456789abcdef01234567"

/** Files of one commit; those in `large` are listed as LFS files. With a token, every request must bear it. */
export const start = async (
  repo: string,
  files: ReadonlyMap<string, Buffer>,
  options: { readonly token?: string; readonly revisions?: ReadonlyArray<string>; readonly large?: RegExp } = {},
): Promise<HubDouble> => {
  const { large = /safetensors$/, revisions = ["main", commit], token } = options
  const requests: Array<string> = []
  const breakAfter = new Map<string, number>()
  const corrupt = new Map<string, Buffer>()
  const entry = ([path, data]: [string, Buffer]) => ({
    type: "file",
    path,
    size: data.length,
    oid: createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex"),
    ...(large.test(path)
      ? { lfs: { oid: createHash("sha256").update(data).digest("hex"), size: data.length, pointerSize: 130 } }
      : {}),
  })
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://hub")
    requests.push([request.method, pathname, request.headers.range ?? ""].join(" ").trim())
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
    }
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      json(401, { error: "Invalid credentials" })
      return
    }
    const revision = /^\/api\/models\/(.+)\/revision\/(.+)$/.exec(pathname)
    if (revision !== null) {
      const known = revision[1] === repo && revisions.includes(decodeURIComponent(revision[2]))
      if (known) json(200, { _id: "1", id: repo, sha: commit, private: false, lastModified: "2026-01-01T00:00:00Z" })
      else json(404, { error: "Repository not found" })
      return
    }
    if (pathname === `/api/models/${repo}/tree/${commit}`) {
      json(200, [...files].map(entry))
      return
    }
    const path = pathname.startsWith(`/${repo}/resolve/${commit}/`) ? pathname.split("/").slice(5).join("/") : ""
    const data = corrupt.get(path) ?? files.get(path)
    if (data === undefined) {
      response.writeHead(404, { "X-Error-Code": "EntryNotFound" }).end()
      return
    }
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? []
    const body = from === undefined ? data : data.subarray(Number(from), Number(to) + 1)
    response.writeHead(from === undefined ? 200 : 206, {
      etag: `"${entry([path, data]).oid}"`,
      "content-length": body.length,
      ...(from === undefined ? {} : { "content-range": `bytes ${from}-${to}/${data.length}` }),
    })
    const limit = breakAfter.get(path)
    if (limit === undefined || body.length <= limit) response.end(body)
    else {
      breakAfter.delete(path)
      response.write(body.subarray(0, limit), () => response.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    breakAfter,
    corrupt,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
