/**
 * `npm run checks -- node`: the tests whose outcome depends on Node (sandboxes, transpiling, processes) under every supported version;
 * `--suite` runs all tests.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Nodes from "../shared/Nodes.ts"
import * as Report from "../shared/Report.ts"

const { suite } = Arguments.read("npm run checks -- node", {
  suite: Arguments.flag("run all tests, not only those that depend on Node"),
})
const dependent = ["Code", "CodeAsserts", "MathPool", "RewardServer", "Check"].map(
  (name) => `packages/verifiers/test/${name}.test.ts`,
)
const slow = ["CodeAsserts", "MathPool"].map((name) => `packages/verifiers/test/slow/${name}.test.ts`)

const report = Report.make("node")
const root = mkdtempSync(join(tmpdir(), "lpo-node-"))

/** Throws when a test fails under this Node; the tests' programs find it as `node` too, and an empty cache. */
const test = (major: number): void => {
  const node = Nodes.install(major, root)
  const env = {
    ...process.env,
    PATH: `${dirname(node)}${delimiter}${process.env["PATH"] ?? ""}`,
    XDG_CACHE_HOME: join(root, `cache-${major}`),
  }
  for (const tier of [suite ? [] : dependent, ["--mode", "slow", ...(suite ? [] : slow)]]) {
    const args = ["node_modules/vitest/vitest.mjs", "run", "--reporter=dot", ...tier]
    const { status } = spawnSync(node, args, { env, stdio: "inherit" })
    if (status !== 0) throw new Error(`the tests end with ${status} under Node ${major}`)
  }
}

try {
  // The quick run leaves out the version that the suite runs on anyway.
  const own = Number(process.versions.node.split(".")[0])
  const majors = suite ? Nodes.supported : Nodes.supported.filter((major) => major !== own)
  await report.run(majors.map((major) => ({ name: `tests pass under Node ${major}`, run: () => test(major) })))
} finally {
  rmSync(root, { recursive: true, force: true })
}
report.end()
