/** WebGPU on Dawn, through the npm packages `webgpu` and `@tensorflow/tfjs-backend-webgpu`, which a user installs. */
import { load } from "./optionalPeer.ts"

/** Registers the backend and makes it active; gives the name of the adapter that it really uses. */
export const start = async (): Promise<string> => {
  load("@tensorflow/tfjs-backend-webgpu", "@tensorflow/tfjs-backend-webgpu@4.22.0 webgpu@0.6.2")
  throw new Error("not written")
}
