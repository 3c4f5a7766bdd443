/** TensorFlow's C library through the npm packages `@tensorflow/tfjs-node` and `@tensorflow/tfjs-node-gpu`, which a user installs. */
import { load } from "./optionalPeer.ts"

/** Registers the backend and makes it active; gives what it runs on. */
export const start = async (name: "tfjs-node" | "tfjs-node-gpu"): Promise<string> => {
  load(`@tensorflow/${name}`, `@tensorflow/${name}@4.22.0`)
  throw new Error("not written")
}
