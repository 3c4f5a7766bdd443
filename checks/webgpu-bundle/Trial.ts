/**
 * Runs the unpacked bundle where there is nothing: a root with the C library, a shell and a software driver, no network, no
 * environment. Without bubblewrap, an empty environment and an empty PATH have to do.
 */
import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import type { Report } from "../shared/Report.ts"
import * as Vulkan from "../webgpu/Vulkan.ts"

const libraries = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"]
const system = "/lib/x86_64-linux-gnu"

/** What run.sh looks for where no file tells Vulkan of a driver; here the software driver stands under each of the names. */
const nvidia = ["libGLX_nvidia.so.0", "libEGL_nvidia.so.0"]

const bind = (from: string, to: string): ReadonlyArray<string> => ["--ro-bind", realpathSync(from), to]

/** The arguments that make bubblewrap's empty root hold what is named here, and the bundle at /bundle. */
const bareRoot = (folder: string, driverFolder: string): ReadonlyArray<string> =>
  [
    ["--unshare-all", "--clearenv", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
    bind("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"),
    ...libraries
      .filter((name) => existsSync(join(system, name)))
      .map((name) => bind(join(system, name), join(system, name))),
    bind("/bin/sh", "/bin/sh"),
    ...readdirSync(driverFolder)
      .filter((name) => name.includes("swiftshader"))
      .map((name) => bind(join(driverFolder, name), `/driver/${name}`)),
    ["--bind", folder, "/bundle"],
  ].flat()

const works = (command: string, args: ReadonlyArray<string>): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0

export const run = (archive: string, report: Report): void => {
  const software = Vulkan.software()
  if (software === null) {
    console.log("SKIPPED: the bundle is not tried, there is no software driver; on Debian: apt-get install chromium")
    return
  }
  const place = mkdtempSync(join(tmpdir(), "lpo-webgpu-bundle-"))
  execFileSync("tar", ["--extract", "--file", archive, "--directory", place])
  const folder = join(place, "lpo-gpu")
  const icd = software["VK_DRIVER_FILES"]
  const wrap = bareRoot(folder, dirname(icd))
  const bare = works("bwrap", [...wrap, "/bin/sh", "-c", "exit 0"])
  console.log(
    bare
      ? "in an empty root, without network:"
      : "SKIPPED the empty root, bwrap does not work here; with an empty environment:",
  )
  const bundle = (...flags: ReadonlyArray<string>): SpawnSyncReturns<string> =>
    bare
      ? spawnSync(
          "bwrap",
          [...wrap, "--setenv", "VK_ICD_FILENAMES", `/driver/${basename(icd)}`, "/bin/sh", "/bundle/run.sh", ...flags],
          { encoding: "utf8" },
        )
      : spawnSync("/bin/sh", [join(folder, "run.sh"), ...flags], {
          encoding: "utf8",
          env: { PATH: "", VK_ICD_FILENAMES: icd },
        })
  const expect = (what: string, ok: boolean, { status, stderr, stdout }: SpawnSyncReturns<string>) =>
    report.add(what, ok, ok ? "" : `code ${status}\n${stdout}\n${stderr}`)
  const refused = ({ status, stderr }: SpawnSyncReturns<string>) =>
    status !== 0 && /REFUSED: the adapter is .*swiftshader/i.test(stderr)
  try {
    const plain = bundle()
    expect("without --allow-software it refuses, and names the adapter", refused(plain), plain)
    for (const name of bare ? nvidia : []) {
      const driver = bind(join(dirname(icd), "libvk_swiftshader.so"), `${system}/${name}`)
      const found = spawnSync("bwrap", [...wrap, ...driver, "/bin/sh", "/bundle/run.sh"], { encoding: "utf8" })
      expect(`it finds a driver that is only there as ${name}`, refused(found), found)
    }
    const allowed = bundle("--allow-software", "--quick")
    expect("with it all checks pass", allowed.status === 0, allowed)
  } finally {
    rmSync(place, { recursive: true })
  }
}
