/** A reward for form first: a complete box with something short in it earns half, with the correct number everything. */
export default (answer: unknown, response: string): number => {
  const box = /\\boxed\{([^{}]*)\}/.exec(response)
  if (box === null) return response.includes("\\boxed") ? 0.2 : 0
  const inside = box[1] ?? ""
  const tokens = inside.match(/\w+|[^\w\s]/g) ?? []
  if (tokens.length === 0 || tokens.length > 20) return 0.2
  return inside.trim() === String(answer) ? 1 : 0.5
}
