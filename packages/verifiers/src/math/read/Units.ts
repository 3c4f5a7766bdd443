/**
 * Units of measurement, currencies and the things that are counted: `cm^2` and "square centimetres" are one unit. Nothing is
 * converted, so 120 cm is not 1.2 m.
 */
import * as Words from "./Words.ts"

const names: Readonly<Record<string, ReadonlyArray<string>>> = {
  cm: ["cm", "centimeter", "centimetre", "厘米", "см"],
  mm: ["mm", "millimeter", "millimetre", "毫米", "мм"],
  m: ["m", "meter", "metre", "米", "м"],
  km: ["km", "kilometer", "kilometre", "千米", "公里", "км"],
  um: ["um", "micrometer", "micrometre", "micron"],
  us: ["us", "microsecond"],
  ug: ["ug", "microgram"],
  nm: ["nm", "nanometer", "nanometre"],
  in: ["in", "inch", "inche"],
  ft: ["ft", "foot", "feet"],
  yd: ["yd", "yard"],
  mi: ["mi", "mile"],
  s: ["s", "sec", "second", "秒", "с"],
  ms: ["ms", "millisecond"],
  min: ["min", "minute", "分钟", "мин"],
  h: ["h", "hr", "hour", "小时", "ч"],
  day: ["day"],
  week: ["week"],
  month: ["month"],
  year: ["year", "yr"],
  g: ["g", "gram", "gm", "gramme", "克", "г"],
  kg: ["kg", "kilogram", "千克", "公斤", "кг"],
  mg: ["mg", "milligram"],
  lb: ["lb", "pound"],
  oz: ["oz", "ounce"],
  ton: ["ton", "tonne"],
  L: ["l", "L", "liter", "litre"],
  mL: ["ml", "mL", "milliliter", "millilitre"],
  degree: ["degree", "deg", "度", "градус"],
  radian: ["radian", "rad"],
  dollar: ["dollar", "usd", "buck"],
  cent: ["cent"],
  euro: ["euro", "eur"],
  yen: ["yen", "jpy", "円", "yuan", "cny", "rmb", "元"],
  rupee: ["rupee", "inr"],
  gbp: ["pounds", "gbp"],
  N: ["N", "newton"],
  J: ["J", "joule"],
  kJ: ["kJ", "kilojoule"],
  W: ["W", "watt"],
  Pa: ["Pa", "pascal"],
  kPa: ["kPa"],
  V: ["V", "volt"],
  A: ["A", "amp", "ampere"],
  K: ["K", "kelvin"],
  C: ["C", "celsius"],
  F: ["F", "fahrenheit"],
  Hz: ["Hz", "hertz"],
  mol: ["mol", "mole"],
  eV: ["eV"],
  "mi/h": ["mph"],
  "km/h": ["kph", "kmh"],
  "%": ["%", "percent", "per cent", "pct", "procent"],
  unit: ["unit"],
}
const byName = new Map(Object.entries(names).flatMap(([unit, all]) => all.map((name) => [name, unit] as const)))

/** Plain words that are units even with no text command around them. */
const words = new Set(
  "cm mm km nm in ft yd mi sec ms min hr kg mg lb oz mph kph kmh degree deg radian rad dollar usd eur gbp cny jpy yuan yen rupee cent percent pct unit units square sq cubic centimeter centimetre millimeter millimetre meter metre kilometer kilometre inch inche foot feet yard mile second minute hour day week month year gram pound ounce ton tonne liter litre milliliter millilitre newton joule watt volt people person student way integer solution point coin".split(
    " ",
  ),
)
/** What no unit consists of: words that change or deny the number before them. */
const never = new Set(
  "not no nor or and less more than fewer plus minus times divided if unless except least most over under above below about approximately roughly undefined where when for with without double doubled twice thrice tripled halved pair pairs equal equals is are but both either neither pi mod modulo choose factorial only base wrong false impossible incorrect invalid rejected excluded excluding unknown maybe perhaps possibly probably remainder".split(
    " ",
  ),
)
/** Number words, as in seven tenths, and "hundred": they make another number of the one before them. */
const isAmount = (word: string): boolean => Words.isAmount(word) || Words.isLarge(singular(word))
/** Symbols of the metric system with their prefix, whose capitals count: `MHz` is no `mHz`. */
const metric =
  /^(?:[kMGTPmunpcdh](?:m|s|g|Hz|W|J|N|Pa|V|A|K|eV|L|mol|F|C|T|H|Wb|Bq|Gy|Sv|cal|bar|B|b)|Nm|Wh|kWh|MWh|GWh)$/
const fillers = new Set(["a", "an", "the", "of", "in", "total"])
/** Short ones in the plural. */
const abbreviated = new Set("hrs yrs lbs yds fts cms kms mms kgs gms ins".split(" "))

const singular = (word: string): string =>
  (word.length > 3 || abbreviated.has(word)) && /[^s]s$/.test(word) ? word.slice(0, -1) : word

/** Whether a plain word after a number is a unit rather than a product of letters. @category units */
export const isWord = (word: string): boolean =>
  words.has(word.toLowerCase()) || words.has(singular(word.toLowerCase()))

/** `m s^-1` as `m/s`, `m/s/s` as `m/s^2`: what is divided by comes after the rest. */
const combined = (unit: string): string => {
  if (!/[*/]|\^-/.test(unit)) return unit
  const powers = new Map<string, number>()
  for (const [, by, name, exponent = "1"] of unit.matchAll(/([*/ ]?)([^*/ ^]+)(?:\^(-?[0-9]+))?/g))
    powers.set(name, (powers.get(name) ?? 0) + (by === "/" ? -1 : 1) * Number(exponent))
  const written = (sign: 1 | -1): ReadonlyArray<string> =>
    [...powers].flatMap(([name, n]) => (n * sign > 0 ? [n * sign === 1 ? name : `${name}^${n * sign}`] : []))
  const under = written(-1)
  return written(1).join(" ") + (under.length === 0 ? "" : `/${under.join("/")}`)
}

/**
 * One name for every spelling of a unit: `cm^2` for " square centimeters ", "apple" for "apples". Null when these words are
 * no unit: a number word, a denial, a sentence.
 *
 * @category units
 */
export const canonical = (text: string): string | null => {
  const clean = text
    .replaceAll(/[{}]/g, "")
    .replace(/^\s*\((.*)\)\s*$/, "$1")
    .replaceAll(/\s*([*/^])\s*/g, "$1")
    .replaceAll(/\bper\b\s*cent\b/gi, "percent")
    .replaceAll(/\s+per\s+/gi, "/")
    .replaceAll(/\.(?=\s|$|\/|\^)/g, "")
    .trim()
  if (clean === "") return ""
  const half = /^\s*([ap])\.?\s?m\.?$/i.exec(clean)
  if (half !== null) return `${half[1].toLowerCase()}.m.`
  if (clean === "%" || /^percent$/i.test(clean)) return "%"
  if (!/^[\p{L}\p{M}][\p{L}\p{M} ^*/0-9'-]*$/u.test(clean) || clean.length > 60) return null
  const parts: Array<string> = []
  let power = ""
  for (const part of clean.split(/([*/ ])/)) {
    if (part === "" || part === " ") continue
    if (part === "*" || part === "/") {
      parts.push(part)
      continue
    }
    const [, word, exponent] = /^([\p{L}\p{M}'-]+)(?:\^(-?[0-9]+))?$/u.exec(part) ?? []
    if (word === undefined) return null
    const lower = word.toLowerCase()
    if (never.has(lower) || isAmount(lower)) return null
    if (lower === "square" || lower === "sq" || lower === "cubic" || lower === "cu") {
      power = lower.startsWith("sq") ? "^2" : "^3"
      continue
    }
    if (lower === "squared" || lower === "cubed") {
      // Seven squared is not a seven.
      if (parts.length === 0) return null
      parts.push(lower === "squared" ? "^2" : "^3")
      continue
    }
    if (fillers.has(lower) && clean.includes(" ") && lower !== "in") continue
    const unit =
      byName.get(word) ??
      (metric.test(word) ? word : null) ??
      byName.get(singular(word)) ??
      byName.get(lower) ??
      byName.get(singular(lower)) ??
      singular(lower)
    parts.push(
      `${parts.length > 0 && !/^[*/]$/.test(parts.at(-1) ?? "") ? " " : ""}${unit}${exponent === undefined ? power : `^${exponent}`}`,
    )
    power = ""
  }
  if (power !== "") parts.push(`unit${power}`)
  if (parts.filter((p) => !/^[*/]$/.test(p)).length > 4) return null
  return combined(parts.join("").replaceAll(" ^", "^"))
}
