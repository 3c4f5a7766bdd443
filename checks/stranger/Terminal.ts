/** A shell in a real terminal, with an empty home: commands are typed into it, and the screen is read. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"

export interface Ran {
  readonly code: number
  readonly seconds: number
  /** The screen below the command, without colours. */
  readonly said: string
}

export interface Terminal {
  /** Types a command and waits for the next prompt. A server is ended with Ctrl-C once it has printed its address. */
  readonly run: (command: string) => Promise<Ran>
  /** The shell's current folder. */
  readonly folder: () => string
  readonly close: () => void
}

/** Time limit of one command. */
const minutes = 15
const width = 120

/** Opens it in `folder`; `state` is where the shell writes how commands ended. */
export const open = async (options: {
  readonly home: string
  readonly folder: string
  readonly state: string
  readonly env: Readonly<Record<string, string>>
}): Promise<Terminal> => {
  const { env, folder, home, state } = options
  const socket = `lpo-${process.pid}`
  const tmux = (...args: ReadonlyArray<string>): string =>
    execFileSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], { encoding: "utf8" })
  const file = join(state, "prompts")
  const prompts = (): ReadonlyArray<string> =>
    existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : []
  const all = {
    ...env,
    HOME: home,
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    PS1: "$ ",
    PROMPT_COMMAND: `echo "$? $PWD" >> '${file}'`,
  }
  const shell = ["env", "-i", ...Object.entries(all).map(([name, value]) => `${name}=${value}`), "bash", "--norc"]
  tmux("new-session", "-d", "-x", String(width), "-y", "50", "-c", folder, ...shell)
  tmux("set-option", "-g", "history-limit", "20000")
  const screen = (): string => tmux("capture-pane", "-p", "-J", "-S", "-")
  const until = async (isSo: () => boolean, what: string): Promise<void> => {
    const deadline = performance.now() + minutes * 60_000
    while (!isSo()) {
      if (performance.now() > deadline) throw new Error(`${what} took over ${minutes} minutes:\n${screen()}`)
      await setTimeout(200)
    }
  }
  await until(() => prompts().length > 0, "the shell")
  return {
    folder: () => prompts().at(-1)?.replace(/^\d+ /, "") ?? folder,
    run: async (command) => {
      const before = prompts().length
      tmux("send-keys", "-R")
      tmux("clear-history")
      const from = performance.now()
      const lines = command.split("\n")
      for (const line of lines) {
        tmux("send-keys", "-l", line)
        tmux("send-keys", "Enter")
      }
      if (/\bserve\b/.test(command)) {
        await until(() => /http:\/\//.test(screen()) || prompts().length > before, command)
        tmux("send-keys", "C-c")
      }
      await until(() => prompts().length > before, command)
      const seconds = (performance.now() - from) / 1000
      const said = screen().trimEnd().split("\n").slice(lines.length, -1).join("\n").trimEnd()
      return { code: Number(prompts()[before].split(" ")[0]), seconds, said }
    },
    close: () => void tmux("kill-server"),
  }
}
