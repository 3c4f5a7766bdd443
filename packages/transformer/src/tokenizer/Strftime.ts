/** `strftime_now` of chat templates on a day that is given, in English, as Python writes it in its C locale. */

const months = "January February March April May June July August September October November December".split(" ")
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ")

const two = (n: number): string => String(n).padStart(2, "0")

/** A moment as `2026-11-28T09:30:00`, in this machine's time zone. @category constructors */
export const localDate = (at: Date): string =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`

/** Writes `date` (an ISO date, with or without a time) in the forms of `strftime`; throws on a form that it does not know. @category constructors */
export const on = (date: string): ((format: string) => string) => {
  const at = new Date(/^\d{4}-\d\d-\d\d$/.test(date) ? `${date}T00:00:00Z` : `${date}Z`)
  if (Number.isNaN(at.getTime())) throw new Error(`date is ${JSON.stringify(date)}; give one such as 2026-11-28`)
  const hour = at.getUTCHours()
  const parts: Readonly<Record<string, string>> = {
    Y: String(at.getUTCFullYear()),
    y: two(at.getUTCFullYear() % 100),
    m: two(at.getUTCMonth() + 1),
    B: months[at.getUTCMonth()],
    b: months[at.getUTCMonth()].slice(0, 3),
    d: two(at.getUTCDate()),
    e: String(at.getUTCDate()).padStart(2),
    A: days[at.getUTCDay()],
    a: days[at.getUTCDay()].slice(0, 3),
    H: two(hour),
    I: two(hour % 12 || 12),
    p: hour < 12 ? "AM" : "PM",
    M: two(at.getUTCMinutes()),
    S: two(at.getUTCSeconds()),
    j: String(Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0)) / 86_400_000) + 1).padStart(3, "0"),
    "%": "%",
  }
  const plain: Readonly<Record<string, string>> = { F: "%Y-%m-%d", T: "%H:%M:%S", D: "%m/%d/%y", R: "%H:%M" }
  const write = (format: string): string =>
    format.replace(/%(-?)(.)/gs, (whole, bare: string, key: string) => {
      if (key in plain) return write(plain[key])
      const part = parts[key]
      if (part === undefined) throw new Error(`strftime_now does not know ${whole}`)
      return bare === "" ? part : part.replace(/^[0 ](?=.)/, "")
    })
  return write
}
