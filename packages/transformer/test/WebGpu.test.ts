/** Telling software adapters from GPUs, from what real ones say of themselves; the backend itself: `npm run checks -- webgpu`. */
import { expect, it } from "@effect/vitest"
import { Backend } from "@lpo/transformer"
import { Effect } from "effect"
import * as WebGpu from "../src/device/WebGpu.ts"
import { installed } from "../src/device/optionalPeer.ts"

const info = (vendor: string, architecture: string, device: string, description: string): WebGpu.AdapterInfo => ({
  vendor,
  architecture,
  device,
  description,
})

const software = {
  SwiftShader: info("google", "swiftshader", "swiftshader-device-subzero-", "SwiftShader driver 5.0.0"),
  "lavapipe by its architecture": info("mesa", "software", "", ""),
  "lavapipe by its description": info("", "", "llvmpipe (LLVM 19.1.7, 256 bits)", "Mesa 25.0.7"),
  WARP: info("microsoft", "warp", "Microsoft Basic Render Driver", ""),
  "one that says so": { ...info("someone", "", "", ""), isFallbackAdapter: true },
}

const gpus = {
  NVIDIA: info("nvidia", "hopper", "NVIDIA H100 80GB HBM3", "550.54.15"),
  AMD: info("amd", "rdna-3", "AMD Radeon RX 7900 XTX (RADV NAVI31)", "radv: Mesa 25.0.7"),
  Intel: info("intel", "xe-2hpg", "Intel(R) Arc(tm) B580 Graphics (BMG G21)", "Intel open-source Mesa driver"),
  Apple: info("apple", "metal-3", "Apple M2", ""),
  "one without a name": info("", "", "", ""),
}

it.each(Object.entries(software))("%s is software, and its description says so", (_, adapter) => {
  expect(WebGpu.software(adapter)).toBe(true)
  expect(WebGpu.describe(adapter)).toMatch(/, software: not a GPU$/)
})

it.each(Object.entries(gpus))("%s is not software", (_, adapter) => {
  expect(WebGpu.software(adapter)).toBe(false)
  expect(WebGpu.describe(adapter)).not.toMatch(/software/)
})

it("an adapter is described in one line, without what it leaves empty", () => {
  expect(WebGpu.describe(gpus.NVIDIA)).toBe("NVIDIA H100 80GB HBM3 (nvidia hopper, 550.54.15)")
  expect(WebGpu.describe(gpus.Apple)).toBe("Apple M2 (apple metal-3)")
  expect(WebGpu.describe(gpus["one without a name"])).toBe("an adapter without a name")
})

it.effect.skipIf(installed("webgpu"))("without its packages the backend says what to install", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Backend.start("webgpu"))
    expect(error).toMatchObject({ _tag: "BackendError", backend: "webgpu" })
    expect(error.message).toContain("npm install @tensorflow/tfjs-backend-webgpu@4.22.0 webgpu@0.6.2")
  }),
)
