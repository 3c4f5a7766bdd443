/** The guides in the order of the navigation: under each topic a line for each, its path below `docs/guides` without `.md`. */
const order = `
# Start
quickstart
live
install
your-own-data
datasets
recipes
presets
polaris
results
reproduce
troubleshooting

# The method
theory
walk
objectives
curricula
off-policy
from-trl-or-verl

# The simplex
simplex/index
simplex/targets
simplex/temperatures
simplex/divergences
simplex/projection
simplex/policy-gradients
simplex/small-groups
simplex/off-policy
simplex/curricula
simplex/guarantees
simplex/hot-loop

# Rewards
verifiers/index
verifiers/countdown
verifiers/math
verifiers/code
verifiers/geometry3k
verifiers/write-your-own
verifiers/reward-server
security

# Runs
runs
metrics
trackers
evaluation
turns
environments

# Engines and models
engine
models
gpu
tfjs-node
browser
rollouts
cluster
`

export interface Topic {
  readonly topic: string
  readonly guides: ReadonlyArray<string>
}

export const topics: ReadonlyArray<Topic> = order
  .split("# ")
  .slice(1)
  .map((part) => {
    const [topic, ...guides] = part.trim().split(/\n+/)
    return { topic, guides }
  })
