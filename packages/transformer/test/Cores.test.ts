import { Cores } from "@lpo/transformer"
import { availableParallelism } from "node:os"
import { expect, it } from "vitest"

const files =
  (of: Record<string, string>): Cores.Read =>
  (path) =>
    of[path] ?? null

it("counts quotas of control groups of both versions, the tightest of all groups above the process", () => {
  const v2 = { "/proc/self/cgroup": "0::/pod/app\n", "/sys/fs/cgroup/pod/app/cpu.max": "max 100000\n" }
  expect(Cores.allowed(files(v2), 16)).toBe(16)
  expect(Cores.allowed(files({ ...v2, "/sys/fs/cgroup/pod/cpu.max": "350000 100000\n" }), 16)).toBe(3)
  expect(Cores.allowed(files({ ...v2, "/sys/fs/cgroup/cpu.max": "50000 100000\n" }), 16)).toBe(1)
  const v1 = {
    "/proc/self/cgroup": "9:name=systemd:/\n3:cpu,cpuacct:/docker/abc\n2:cpuset:/\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
  }
  expect(Cores.allowed(files(v1), 16)).toBe(2)
  expect(Cores.allowed(files({ ...v1, "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n" }), 16)).toBe(16)
})

it("is never more than the machine has, and needs no such files", () => {
  expect(Cores.allowed(files({}), 4)).toBe(4)
  expect(Cores.allowed()).toBeLessThanOrEqual(availableParallelism())
  expect(Cores.allowed()).toBeGreaterThanOrEqual(1)
})
