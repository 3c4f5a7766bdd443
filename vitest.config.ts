/** All packages are one project: a worker imports what they share once, whichever package its next file belongs to. */
export { default } from "./vitest.shared.ts"
