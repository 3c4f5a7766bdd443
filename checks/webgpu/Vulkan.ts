/** Where a machine without a GPU has a Vulkan driver that computes on the processor, and how a process is told of it. */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"

/** SwiftShader, which comes with Chromium and Chrome. */
const drivers = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib64/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
]

const systemFolders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64"]

/** Vulkan's loader: the system's, or the one beside a browser; null where there is none. */
export const loader = (): string | null =>
  [...systemFolders, ...drivers.map(dirname)]
    .map((folder) => join(folder, "libvulkan.so.1"))
    .find((path) => existsSync(path)) ?? null

/** The variables that make Vulkan use the software driver and nothing else; null where there is no such driver. */
export const software = (): Readonly<Record<string, string>> | null => {
  const driver = drivers.find((path) => existsSync(path))
  const library = loader()
  if (driver === undefined || library === null) return null
  const folder = dirname(library)
  const path = [process.env.LD_LIBRARY_PATH, folder].filter(Boolean).join(":")
  return {
    VK_ICD_FILENAMES: driver,
    VK_DRIVER_FILES: driver,
    ...(systemFolders.includes(folder) ? {} : { LD_LIBRARY_PATH: path }),
  }
}
