/** What is tried with every divergence, as often as at full size. */
import "../Divergence.test.ts"
