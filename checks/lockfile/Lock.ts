/** What a lockfile lacks: without it, `npm ci` would miss a package elsewhere, or accept whatever it is sent. */
export interface Entry {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  /** A package of this project. */
  readonly link?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
/** The entries by their paths. */
export type Packages = Readonly<Record<string, Entry>>

const folder = "node_modules/"
const platforms = /(linux|darwin|win32|windows|win|freebsd|openbsd|netbsd|android|openharmony|sunos|aix)/
const processors = /(x64|arm64|64|ia32|arm|riscv64|ppc64|s390x|loong64)(?:-|$)/

/** The entries of optional packages for other platforms that npm has left out. */
export const missing = (packages: Packages): ReadonlyMap<string, Entry> => {
  const found = new Map<string, Entry>()
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const nested = path === "" ? `${folder}${name}` : `${path}/${folder}${name}`
      if (packages[nested] !== undefined || packages[`${folder}${name}`] !== undefined) continue
      const platform = platforms.exec(name)?.[1]
      const cpu = processors.exec(name)?.[1]
      const os = platform === "windows" || platform === "win" ? "win32" : platform
      const added = {
        version: version.replace(/^[\^~]/, ""),
        ...(path === "" ? {} : { dev: true }),
        optional: true,
        os: [os ?? "none"],
        cpu: [cpu === "64" ? "x64" : (cpu ?? "none")],
      }
      found.set(`${folder}${name}`, added)
    }
  }
  return found
}

/** Those that need a hash and do not have a full SHA-512. */
export const unhashed = (packages: Iterable<readonly [string, Entry]>): ReadonlyArray<readonly [string, Entry]> =>
  [...packages].filter(
    ([path, { integrity, link }]) =>
      path.includes(folder) && link !== true && !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ""),
  )

/** Those that do not come from a registry: from a repository, a file, or without encryption. */
export const strange = (packages: Packages): ReadonlyArray<string> =>
  Object.entries(packages).flatMap(([path, { link, resolved }]) =>
    link === true || resolved === undefined || /^https:\/\/[^/]+\/.+\.tgz$/.test(resolved)
      ? []
      : [`${path}: ${resolved}`],
  )

/** `name@version` of an entry. */
export const named = ([path, { version }]: readonly [string, Entry]): string =>
  `${path.slice(path.lastIndexOf(folder) + folder.length)}@${version}`
