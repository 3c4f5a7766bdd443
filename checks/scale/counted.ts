/** How often each problem stands in a log of groups. */
import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"

export const counted = async (file: string): Promise<ReadonlyMap<string, number>> => {
  const times = new Map<string, number>()
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const id = /"problem":"([^"]*)"/.exec(line)?.[1] ?? ""
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  return times
}
