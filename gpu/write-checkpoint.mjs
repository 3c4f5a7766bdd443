/** `node write-checkpoint.mjs FOLDER`: the random checkpoint, with what WASM computes from it. */
import { write } from "./checkpoint.mjs"

await write(process.argv[2])
