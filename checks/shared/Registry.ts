/**
 * A registry on this machine with our packed packages, so `npm install @lpo/x` does in a check what it will do once they are
 * published. All other names go to npm's usual registry.
 */
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { type AddressInfo } from "node:net"
import { join } from "node:path"
import type { Packed } from "./Packed.ts"

export interface Registry {
  /** Tells npm in this home where the scope @lpo is. */
  readonly introduce: (home: string) => void
  readonly close: () => void
}

/** Serves these tarballs until it is closed. */
export const start = async (packages: ReadonlyMap<string, Packed>): Promise<Registry> => {
  const tarballs = new Map([...packages].map(([name, { tarball }]) => [name, readFileSync(tarball)]))
  let address = ""
  /** What npm reads of a package: here there is one version of each. */
  const packument = (name: string, { manifest }: Packed, bytes: Buffer): object => ({
    name,
    "dist-tags": { latest: manifest.version },
    versions: {
      [manifest.version]: {
        ...manifest,
        dist: {
          tarball: `${address}/-/${encodeURIComponent(name)}`,
          integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}`,
        },
      },
    },
  })
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").replace(/\?.*/, "")
    const name = path.replace(/^\/(-\/)?/, "")
    const [packed, bytes] = [packages.get(name), tarballs.get(name)]
    if (packed === undefined || bytes === undefined) response.writeHead(404).end()
    else if (path.startsWith("/-/")) response.end(bytes)
    else
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(packument(name, packed, bytes)))
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    introduce: (home) => writeFileSync(join(home, ".npmrc"), `@lpo:registry=${address}/\n`),
    close: () => server.close(),
  }
}
