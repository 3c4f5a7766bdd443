/**
 * Runs the unpacked bundle where there is nothing: a root with the C library, a shell and a software driver, no network, no
 * environment. Without bubblewrap, an empty environment and an empty PATH have to do.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import * as Vulkan from "./vulkan.mjs"

const libraries = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"]

/** What run.sh looks for where no file tells Vulkan of a driver; here the software driver stands under each of the names. */
const nvidia = ["libGLX_nvidia.so.0", "libEGL_nvidia.so.0"]

/** The arguments that make bubblewrap's empty root hold what is named here, and the bundle at /bundle. */
const bareRoot = (folder, driverFolder) => {
  const system = "/lib/x86_64-linux-gnu"
  const bind = (from, to) => ["--ro-bind", realpathSync(from), to]
  const driver = readdirSync(driverFolder).filter((name) => name.includes("swiftshader"))
  return [
    ["--unshare-all", "--clearenv", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
    bind("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"),
    ...libraries
      .filter((name) => existsSync(join(system, name)))
      .map((name) => bind(join(system, name), join(system, name))),
    bind("/bin/sh", "/bin/sh"),
    ...driver.map((name) => bind(join(driverFolder, name), `/driver/${name}`)),
    ["--bind", folder, "/bundle"],
  ].flat()
}

const works = (command, args) => spawnSync(command, args, { stdio: "ignore" }).status === 0

export const test = (archive) => {
  const software = Vulkan.software()
  if (software === null) {
    console.log("SKIPPED: the bundle is not tested, there is no software driver; on Debian: apt-get install chromium")
    return
  }
  const place = mkdtempSync(join(tmpdir(), "lpo-gpu-bundle-"))
  execFileSync("tar", ["--extract", "--file", archive, "--directory", place])
  const folder = join(place, "lpo-gpu")
  const icd = software.VK_DRIVER_FILES
  const wrap = bareRoot(folder, dirname(icd))
  const bare = works("bwrap", [...wrap, "/bin/sh", "-c", "exit 0"])
  console.log(
    bare
      ? "in an empty root, without network:"
      : "SKIPPED the empty root, bwrap does not work here; with an empty environment:",
  )
  const byName = nvidia.map((name) => [
    ...wrap,
    "--ro-bind",
    join(dirname(icd), "libvk_swiftshader.so"),
    `/lib/x86_64-linux-gnu/${name}`,
  ])
  const run = (...flags) =>
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
  const fail = (what, { status, stderr, stdout }) => {
    console.error(`${what} (code ${status})\n${stdout}\n${stderr}`)
    process.exitCode = 1
  }
  try {
    const refused = run()
    if (refused.status === 0 || !/REFUSED: the adapter is .*swiftshader/i.test(refused.stderr))
      fail("software was not refused by its name", refused)
    else console.log("without --allow-software: refused, the adapter named")
    for (const [i, root] of (bare ? byName : []).entries()) {
      const found = spawnSync("bwrap", [...root, "/bin/sh", "/bundle/run.sh"], { encoding: "utf8" })
      if (!/REFUSED: the adapter is .*swiftshader/i.test(found.stderr)) fail(`${nvidia[i]} was not found`, found)
      else console.log(`a driver that is only there as ${nvidia[i]}: found`)
    }
    const allowed = run("--allow-software", "--quick")
    if (allowed.status !== 0) fail("the checks failed", allowed)
    else console.log(`with it:\n${allowed.stdout}`)
  } finally {
    rmSync(place, { recursive: true })
  }
}
