/** Before any test: kernels of older sources would write where nothing is theirs, since the room for them is counted by the present ones. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

export default (): void => {
  const script = fileURLToPath(new URL("../scripts/build-kernels.mjs", import.meta.url))
  const { status } = spawnSync(process.execPath, [script], { stdio: "inherit" })
  if (status !== 0) throw new Error(`${script} failed`)
}
