/**
 * Runs the unpacked bundle where there is nothing else: a root with the C library and a shell, no network, no environment; for the
 * stages on a processor also Python with the packages of requirements.txt.
 */
import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import type { Report } from "../shared/Report.ts"
import * as Vulkan from "../webgpu/Vulkan.ts"

const libraries = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"]
const system = "/lib/x86_64-linux-gnu"

/** What run.sh looks for where no file tells Vulkan of a driver; here the software driver stands under each of the names. */
const nvidia = ["libGLX_nvidia.so.0", "libEGL_nvidia.so.0"]

const bind = (from: string, to: string): ReadonlyArray<string> => ["--ro-bind", realpathSync(from), to]

/** The bundle at /bundle, the shell and nothing else. */
const bare = (folder: string): ReadonlyArray<string> =>
  [
    ["--unshare-all", "--clearenv", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
    bind("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"),
    bind("/bin/sh", "/bin/sh"),
    ["--bind", folder, "/bundle"],
  ].flat()

const cLibrary = (): ReadonlyArray<string> =>
  libraries
    .filter((name) => existsSync(join(system, name)))
    .flatMap((name) => bind(join(system, name), join(system, name)))

const works = (command: string, args: ReadonlyArray<string>): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0

/** The folder of the bundle, in a temporary one. */
export const unpack = (archive: string): string => {
  const place = mkdtempSync(join(tmpdir(), "lpo-cuda-"))
  execFileSync("python3", ["-m", "tarfile", "--extract", archive, place])
  return join(place, "lpo-cuda")
}

/** WebGPU on the software driver of Chromium: it refuses, and passes when that is allowed. */
export const webgpu = (folder: string, report: Report): void => {
  const software = Vulkan.software()
  if (software === null) {
    console.log("SKIPPED WebGPU: there is no software driver; on Debian: apt-get install chromium")
    return
  }
  const icd = software["VK_DRIVER_FILES"]
  const driver = readdirSync(dirname(icd))
    .filter((name) => name.includes("swiftshader"))
    .flatMap((name) => bind(join(dirname(icd), name), `/driver/${name}`))
  const wrap = [...bare(folder), ...cLibrary(), ...driver]
  const isBare = works("bwrap", [...wrap, "/bin/sh", "-c", "exit 0"])
  console.log(
    isBare
      ? "WebGPU in an empty root, without network:"
      : "SKIPPED the empty root, bwrap does not work here; with an empty environment:",
  )
  const only = ["--only", "webgpu", "--out", "/tmp/out"]
  const bundle = (...flags: ReadonlyArray<string>): SpawnSyncReturns<string> =>
    isBare
      ? spawnSync(
          "bwrap",
          [
            ...wrap,
            "--setenv",
            "VK_ICD_FILENAMES",
            `/driver/${basename(icd)}`,
            "/bin/sh",
            "/bundle/run.sh",
            ...only,
            ...flags,
          ],
          { encoding: "utf8" },
        )
      : spawnSync("/bin/sh", [join(folder, "run.sh"), "--only", "webgpu", "--out", join(folder, "out"), ...flags], {
          encoding: "utf8",
          env: { PATH: "", VK_ICD_FILENAMES: icd },
        })
  const expect = (what: string, ok: boolean, { status, stderr, stdout }: SpawnSyncReturns<string>) =>
    report.add(what, ok, ok ? "" : `code ${status}\n${stdout}\n${stderr}`)
  const refused = ({ status, stdout }: SpawnSyncReturns<string>) =>
    status !== 0 && /REFUSED: the adapter is .*swiftshader/i.test(stdout)
  const plain = bundle()
  expect("without --allow-software it refuses, and names the adapter", refused(plain), plain)
  for (const name of isBare ? nvidia : []) {
    const found = spawnSync(
      "bwrap",
      [
        ...wrap,
        ...bind(join(dirname(icd), "libvk_swiftshader.so"), `${system}/${name}`),
        "/bin/sh",
        "/bundle/run.sh",
        ...only,
      ],
      { encoding: "utf8" },
    )
    expect(`it finds a driver that is only there as ${name}`, refused(found), found)
  }
  const allowed = bundle("--allow-software", "--quick", "--patience", "3")
  expect("with it all checks pass", allowed.status === 0, allowed)
}

interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** What the bundle's last line says. */
interface Ended {
  readonly stages: Readonly<Record<string, { readonly status: string; readonly seconds: number }>>
  readonly passAt1: Readonly<Record<string, { readonly base: Estimate; readonly trained: Estimate }>>
}

/** All stages on a processor, to the end. */
export const pipeline = (
  folder: string,
  python: string,
  { patience, teachSeconds }: { readonly patience: number; readonly teachSeconds: number },
  report: Report,
): void => {
  // The interpreter's own folder, and the environment's.
  const [prefix, base] = execFileSync(python, ["-c", "import sys; print(sys.prefix); print(sys.base_prefix)"], {
    encoding: "utf8",
  })
    .trim()
    .split("\n")
  const path = join(prefix, "bin")
  const wrap = [
    ...bare(folder),
    ...["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"].flatMap((name) => bind(name, name)),
    ...[prefix, base].flatMap((name) => ["--ro-bind", name, name]),
    "--setenv",
    "PATH",
    path,
  ]
  const isBare = works("bwrap", [...wrap, join(path, "python3"), "-c", "import torch"])
  console.log(
    isBare
      ? "all stages in an empty root, without network:"
      : "SKIPPED the empty root, bwrap does not work here; with an empty environment:",
  )
  const flags = ["--patience", String(patience), "--teach-seconds", String(teachSeconds)]
  const run = (shell: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv) =>
    spawnSync(shell, args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", env, maxBuffer: 1 << 28 })
  const { status, stdout } = isBare
    ? run("bwrap", [...wrap, "/bin/sh", "/bundle/run.sh", "--out", "/bundle/out", ...flags], process.env)
    : run("/bin/sh", [join(folder, "run.sh"), "--out", join(folder, "out"), ...flags], { PATH: path })
  const { passAt1, stages } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Ended
  console.log(readFileSync(join(folder, "out", "report.md"), "utf8").split("\n## ")[0])
  for (const [name, { seconds, status: how }] of Object.entries(stages)) {
    const wanted = name === "webgpu" ? "skipped" : "ok"
    report.add(`stage ${name} on a processor`, how === wanted, `${how}, ${seconds.toFixed(1)} s`)
  }
  for (const [name, { base: one, trained }] of Object.entries(passAt1))
    report.add(
      `${name}: base and trained pass@1 with intervals`,
      [one, trained].every(({ high, low, mean }) => low <= mean && mean <= high),
      `${one.mean.toFixed(3)} [${one.low.toFixed(3)}, ${one.high.toFixed(3)}], ${trained.mean.toFixed(3)} [${trained.low.toFixed(3)}, ${trained.high.toFixed(3)}]`,
    )
  report.add("both runs ended", Object.keys(passAt1).length === 2 && status === 0)
  if (status !== 0) console.log(stdout.slice(-6000))
}
