/**
 * The inputs of both graders: published golds as they are and rewritten, cases from bug reports, every macro in several
 * places, and texts made of the pieces that break readers. The same for the same seed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { Seed } from "@lpo/rollout"

/** An answer and the gold, or a whole response and the gold. `kind` says where it comes from. */
export interface Input {
  readonly kind: string
  readonly answer?: string
  readonly response?: string
  readonly gold: string
}

const lines = (file: string): ReadonlyArray<unknown> =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown)

/** Golds of the published benchmarks in `folder`, each once. */
export const publishedGolds = (folder: string): ReadonlyArray<string> => {
  const out = new Set<string>()
  const add = (gold: unknown): void => {
    if (Array.isArray(gold)) for (const one of gold) add(one)
    else if (typeof gold === "number") out.add(String(gold))
    else if (typeof gold === "string" && gold !== "") out.add(gold.trim())
  }
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const file = `${folder}/${name}`
    const rows = name.endsWith(".jsonl")
      ? lines(file)
      : (JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<unknown>)
    for (const row of rows as ReadonlyArray<Record<string, unknown>>) add(row["answer"] ?? row["final_answer"])
  }
  return [...out]
}

/** Answers and responses of the mathematics rows of a case file. */
export const cases = (file: string): ReadonlyArray<Input> =>
  (existsSync(file) ? (lines(file) as ReadonlyArray<Record<string, unknown>>) : [])
    .filter((row) => row["task"] === "math" || row["task"] === "geometry3k")
    .flatMap((row) => {
      const golds = Array.isArray(row["answer"]) ? row["answer"] : [row["answer"]]
      return golds.map((gold) => ({ kind: "cases", response: String(row["response"]), gold: String(gold) }))
    })

type Rewrite = (gold: string, random: Seed.Random) => string

const pick = <A>(random: Seed.Random, list: ReadonlyArray<A>): A => list[random.int(0, list.length - 1)]

const units = [
  "cm",
  "\\text{ cm}",
  "\\mathrm{cm}",
  "degrees",
  "^\\circ",
  "^{\\circ}",
  "\\%",
  "%",
  " percent",
  " dollars",
  " hours",
  "\\text{ units}",
  "\\ \\text{m}^2",
]

/** Ways to write a gold, most of them right, some wrong. */
const rewrites: ReadonlyArray<Rewrite> = [
  (g) => g,
  (g) => g.replaceAll("\\frac", "\\dfrac"),
  (g) => g.replaceAll("\\frac", "\\tfrac"),
  (g) => g.replaceAll(/\\[dt]?frac\{(\w+)\}\{(\w+)\}/g, "$1/$2"),
  (g) => g.replaceAll(/\\[dt]?frac\{([^{}]+)\}\{([^{}]+)\}/g, "($1)/($2)"),
  (g) => g.replaceAll(/\\[dt]?frac\{(\d)\}\{(\d)\}/g, "\\frac$1$2"),
  (g) => g.replaceAll(/\\sqrt\{(\d)\}/g, "\\sqrt$1"),
  (g) => g.replaceAll(/\\sqrt\{([^{}]+)\}/g, "sqrt($1)"),
  (g) => g.replaceAll("\\pi", "\u03c0").replaceAll("\\cdot", "\u00b7").replaceAll("\\times", "\u00d7"),
  (g) => g.replaceAll(/\\left|\\right/g, ""),
  (g) => g.replaceAll("(", "\\left(").replaceAll(")", "\\right)"),
  (g) => g.replaceAll(" ", ""),
  (g) => ` ${g.replaceAll(/([-+=,])/g, " $1 ")} `,
  (g) => `$${g}$`,
  (g) => `\\text{${g}}`,
  (g) => `\\mathrm{${g}}`,
  (g) => `\\mathbf{${g}}`,
  (g) => `{${g}}`,
  (g) => `(${g})`,
  (g) => `x=${g}`,
  (g) => `f(x) = ${g}`,
  (g) => `${g}.`,
  (g) => `${g}.0`,
  (g) => `${g}\\,`,
  (g) => `-${g}`,
  (g) => `+${g}`,
  (g) => `${g}+0`,
  (g) => `2${g}`,
  (g) => `${g}^2`,
  (g, r) => `${g}${pick(r, units)}`,
  (g, r) => `${g} ${pick(r, units)}`,
  (g) => g.replace(/^x\s*=\s*|^[a-z]\s*=\s*/, ""),
  (g) => g.replaceAll(/(\d)(?=(?:\d{3})+(?!\d))/g, "$1,"),
  (g) => g.replaceAll(/(\d)(?=(?:\d{3})+(?!\d))/g, "$1{,}"),
  (g) => g.replaceAll(/(\d)(?=(?:\d{3})+(?!\d))/g, "$1,\\!"),
  (g) => g.replaceAll(/\d+/g, (n) => String(Number(n) + 1)),
  (g) => g.replace(/\d+/, (n) => `${n}.00`),
  (g) => g.replace(/\d+/, (n) => `0${n}`),
  (g) => g.replaceAll(/\\frac\{(\d+)\}\{(\d+)\}/g, (_, a: string, b: string) => String(Number(a) / Number(b))),
  (g) => g.replaceAll(/\\frac\{(\d+)\}\{(\d+)\}/g, (_, a: string, b: string) => (Number(a) / Number(b)).toFixed(3)),
  (g) =>
    g.replaceAll(
      /\\frac\{(\d+)\}\{(\d+)\}/g,
      (_, a: string, b: string) => `\\frac{${2 * Number(a)}}{${2 * Number(b)}}`,
    ),
  (g) => g.split(",").toReversed().join(","),
  (g) => g.split("+").toReversed().join("+"),
  (g) => g.replaceAll(",", " and "),
  (g) => g.replaceAll(",", "\\text{ and }"),
  (g) => g.replaceAll(",", " or "),
  (g) => g.replaceAll("^2", "^{2}"),
  (g) => g.replaceAll(/\^\{?(\d)\}?/g, "**$1"),
  (g) => g.replaceAll(/(\d)([a-z])/g, "$1 \\cdot $2"),
  (g) => g.replaceAll(/(\d)([a-z])/g, "$1*$2"),
  (g) => g.replaceAll("x", "y"),
  (g) => g.toUpperCase(),
  (g) => g.toLowerCase(),
  (g) => g.replaceAll("\\infty", "\u221e").replaceAll("\\cup", "\u222a").replaceAll("\\le", "\u2264"),
  (g) => g.replaceAll("\\le", "\\leq").replaceAll("\\ge", "\\geqslant"),
  (g) => g.replaceAll("pmatrix", "bmatrix"),
  (g) => g.replaceAll("-", "\u2212"),
  (g) => g.replaceAll(/[()]/g, (c) => (c === "(" ? "[" : "]")),
  (g) => `\\{${g}\\}`,
  (g) => `\\boxed{${g}}`,
  (g) => `**${g}**`,
  (g) => `${g} \\approx 3.14`,
  (g) => `\\displaystyle ${g}`,
  (g) => `\\text{The answer is } ${g}`,
]

/** One rewriting of each gold, and the gold itself now and then. */
export const rewritten = (golds: ReadonlyArray<string>, count: number, seed: string): ReadonlyArray<Input> => {
  const random = Seed.stream(`graders/rewritten/${seed}`)
  return Array.from({ length: count }, () => {
    const gold = pick(random, golds)
    const once = pick(random, rewrites)(gold, random)
    const answer = random.uniform() < 0.2 ? pick(random, rewrites)(once, random) : once
    return random.uniform() < 0.15
      ? { kind: "rewritten", answer: gold, gold: answer }
      : { kind: "rewritten", answer, gold }
  })
}

const macros =
  "alpha beta gamma delta epsilon varepsilon theta vartheta lambda mu nu xi pi rho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Pi Sigma Phi Psi Omega infty pm mp times div cdot ast star circ bullet cup cap setminus in notin ni subset subseteq supset supseteq emptyset varnothing le leq leqslant ge geq geqslant lt gt ne neq approx equiv sim simeq cong propto to rightarrow leftarrow Rightarrow implies iff mapsto uparrow forall exists neg land lor wedge vee oplus otimes perp parallel mid nmid vert Vert lvert rvert lVert rVert langle rangle lfloor rfloor lceil rceil lbrace rbrace lbrack rbrack angle triangle square degree prime ell hbar Re Im nabla partial int iint oint sum prod lim limsup sup inf max min gcd lcm log ln lg exp sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh det dim ker deg arg mod bmod pmod binom dbinom tbinom choose over frac dfrac tfrac cfrac sqrt root text textbf textit textrm mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak mathscr boldsymbol operatorname mbox hbox fbox boxed underline overline widehat widetilde hat bar vec dot ddot tilde check overrightarrow overbrace underbrace color textcolor phantom hspace vspace quad qquad left right big Big bigg bigl bigr displaystyle textstyle limits nolimits dots ldots cdots vdots ddots tag label newline therefore because checkmark blacksquare qed S P dag ddag copyright pounds euro LaTeX and or stackrel substack cancel not mathring Box Diamond complement bigcup bigcap bigodot coprod uplus sqcup lneq gneq ll gg doteq asymp models vdash dashv top bot aleph beth imath jmath wp surd flat sharp natural clubsuit heartsuit".split(
    " ",
  )
const symbols = [
  "!",
  ",",
  ":",
  ";",
  " ",
  "\\",
  "{",
  "}",
  "$",
  "%",
  "&",
  "#",
  "_",
  "|",
  "(",
  ")",
  "[",
  "]",
  "-",
  "+",
  "'",
  "`",
  "/",
  "*",
  "<",
  ">",
  "=",
  "~",
  "^",
  "@",
  ".",
]
const places: ReadonlyArray<(macro: string) => string> = [
  (m) => m,
  (m) => `${m} x`,
  (m) => `3${m} 4`,
  (m) => `${m}{5}`,
  (m) => `2 ${m}`,
  (m) => `${m}(x)`,
  (m) => `(1, ${m} 2)`,
  (m) => `x ${m}{2}{3}`,
  (m) => `7 ${m}`,
  (m) => `${m} 7`,
  (m) => `${m}x${m}`,
  (m) => `${m}_{2} 8`,
  (m) => `\\frac{${m} 1}{2}`,
]
const sweepGolds: ReadonlyArray<(macro: string, answer: string) => string> = [
  (_, answer) => answer.replaceAll(" ", ""),
  (_, answer) => ` ${answer.replaceAll("{", "{ ")}`,
  (m, answer) => answer.replaceAll(m, ""),
  () => "7",
  () => "12",
  () => "x",
  () => "\\frac{2}{3}",
  (m, answer) => answer.replaceAll(m, "*"),
  (m, answer) => answer.replaceAll(m, m.slice(1)),
  (m, answer) => answer.replaceAll(m, "|"),
  (_, answer) => `${answer}+0`,
  (_, answer) => `1+${answer}-1`,
]

/** Every macro in some places against some golds. */
export const sweep = (perMacro: number, seed: string): ReadonlyArray<Input> => {
  const random = Seed.stream(`graders/sweep/${seed}`)
  const out: Array<Input> = []
  for (const macro of [...macros, ...symbols]) {
    for (let i = 0; i < perMacro; i++) {
      const answer = pick(random, places)(`\\${macro}`)
      const gold = pick(random, sweepGolds)(`\\${macro}`, answer)
      if (gold.trim() !== "") out.push({ kind: "macros", answer, gold })
    }
  }
  return out
}

const pieces =
  "0 1 7 42 0.5 1,000 . , ; : + - * / ^ _ ( ) [ ] { } | ! = < > $ $$ % & \\ \\\\ \\frac \\frac{ \\frac{1}{2} \\dfrac12 \\sqrt \\sqrt[ \\sqrt{2} \\pi \\infty \\text{ \\text{and} \\mathrm{ \\left( \\right) \\left[ \\right] \\circ \\pm \\cup \\in \\le \\begin{pmatrix} \\end{pmatrix} \\{ \\} \\[ \\] \\( \\) \\sin \\log_ \\binom{ \\cdot \\times x y e i E n f(x) cm degrees or and percent million 1e9 \u03c0 \u2212 \u221a \u00b2 None {,} \\! \\, ~ 2x x^2 3/4 (1,2) [0,1) x=1".split(
    " ",
  )

/** Pieces in a row, against a small change of themselves. */
export const adversarial = (count: number, seed: string): ReadonlyArray<Input> => {
  const random = Seed.stream(`graders/adversarial/${seed}`)
  return Array.from({ length: count }, () => {
    const list = Array.from({ length: random.int(1, 7) }, () => pick(random, pieces))
    const answer = list.join(random.uniform() < 0.5 ? "" : " ")
    const change = random.int(0, 5)
    const at = random.int(0, list.length - 1)
    const gold =
      change === 0
        ? list.join("")
        : change === 1
          ? list.join(" ")
          : change === 2
            ? list.filter((_, i) => i !== at).join(" ")
            : change === 3
              ? list.with(at, pick(random, pieces)).join(" ")
              : change === 4
                ? pick(random, list)
                : `(${list.join("")})`
    return { kind: "adversarial", answer, gold: gold.trim() === "" ? "1" : gold }
  })
}

const templates: ReadonlyArray<(a: string, b: string) => string> = [
  (a) => `So \\boxed{${a}}.`,
  (a, b) => `\\boxed{${b}}. Wait, it is \\boxed{${a}}.`,
  (a, b) => `\\boxed{${a}} then later \\boxed{${b}}`,
  (a, b) => `\\boxed{${a}}, \\boxed{${b}}`,
  (a, b) => `\\boxed{${a}} and \\boxed{${b}}`,
  (a) => `The answer is ${a}.`,
  (a) => `The final answer is $${a}$. I hope it is correct.`,
  (a) => `Final Answer: The final answer is $${a}$`,
  (a) => `Answer: ${a}`,
  (a) => `Answer: $${a}$`,
  (a) => `Answer: ${a}\nDone`,
  (a) => `**Answer: ${a}**`,
  (a) => `**Answer:** ${a}`,
  (a) => `We get ${a}`,
  (a) => `$x = ${a}$`,
  (a) => `#### ${a}`,
  (a) => `\\boxed ${a}`,
  (a) => `\\boxed {${a}}`,
  (a) => `\\fbox{${a}}`,
  (a) => `\\boxed{${a}`,
  (a) => `\\boxed{\\boxed{${a}}}`,
  (a) => `$$\\boxed{${a}}$$`,
  (a) => `\\[ \\boxed{${a}} \\]`,
  (a, b) => `<think>\\boxed{${b}}</think> so \\boxed{${a}}`,
  (a, b) => `<think>\\boxed{${a}}</think> so ${b}`,
  (a) => `<think>a</think> \\boxed{${a}} </think> \\boxed{9}`,
  (a) => `The result is $${a}$ and not $43$`,
  (a) => `The answers are ${a}. Thanks`,
  (a) => `${a} is the answer`,
  (a) => `Step 1: x is 3. Step 2: hence x = ${a}.`,
  (a) => `It must be ${a}`,
  (a, b) => `\\boxed{${b}} is wrong. \\boxed`,
  (a, b) => `\\boxed{${a}} or \\boxed {${b}}`,
  (a) => `so \\(${a}\\) it is`,
  (a) => `\\boxed{${a}}${" and so on".repeat(40)}`,
]

/** Answers in the sentences that models put around them. */
export const responses = (golds: ReadonlyArray<string>, count: number, seed: string): ReadonlyArray<Input> => {
  const random = Seed.stream(`graders/responses/${seed}`)
  return Array.from({ length: count }, () => {
    const gold = pick(random, golds)
    const answer = random.uniform() < 0.7 ? gold : pick(random, rewrites)(gold, random)
    return { kind: "responses", response: pick(random, templates)(answer, pick(random, golds)), gold }
  })
}

/** Spellings of one thing by line, and things that are near it. */
const spellings: ReadonlyArray<ReadonlyArray<string>> = [
  ["\\gcd(12, 18)", "\\operatorname{gcd}(12,18)", "gcd(12,18)", "\\text{gcd}(12,18)", "6"],
  ["\\operatorname{lcm}(4,6)", "\\text{lcm}(4,6)", "lcm(4,6)", "\\lcm(4,6)", "12"],
  ["17 \\mod 5", "17 \\bmod 5", "17 mod 5", "17 \\pmod 5", "2"],
  ["x \\equiv 2 \\pmod{5}", "x \\equiv 2 \\mod 5", "x = 2 \\pmod 5", "2 \\pmod{5}", "x \\equiv 2 \\pmod 7"],
  [
    "\\lfloor 3.7 \\rfloor",
    "\\left\\lfloor 3.7 \\right\\rfloor",
    "\\lfloor \\frac{7}{2} \\rfloor",
    "\u230a3.7\u230b",
    "3",
  ],
  ["\\lceil 3.2 \\rceil", "\\left\\lceil 3.2\\right\\rceil", "\\operatorname{ceil}(3.2)", "4"],
  ["\\lfloor x \\rfloor", "\\left\\lfloor x\\right\\rfloor", "\\operatorname{floor}(x)", "\\lceil x \\rceil"],
  ["\\binom{5}{2}", "{5 \\choose 2}", "\\dbinom{5}{2}", "\\tbinom52", "5 \\choose 2", "C(5,2)", "C_5^2", "10"],
  ["\\binom{n}{2}", "{n \\choose 2}", "\\frac{n(n-1)}{2}", "\\dbinom{n}{2}"],
  ["[1,2)\\cup(3,4]", "[1,2)\u222a(3,4]", "[1,2) \\cup (3,4]", "(3,4]\\cup[1,2)", "[1,2] \\cup [3,4]"],
  ["\\emptyset", "\\varnothing", "\u2205", "\\{\\}", "\\text{no solution}", "\\text{empty set}"],
  ["\\pm 3", "\u00b13", "3, -3", "\\{3,-3\\}", "-3,3", "\\mp 3"],
  ["2 \\pm \\sqrt{3}", "2\u00b1\\sqrt{3}", "2+\\sqrt{3}, 2-\\sqrt3", "2 \\pm \\sqrt 2"],
  ["x \\le 3", "x \u2264 3", "x <= 3", "x \\leqslant 3", "3 \\ge x", "(-\\infty, 3]", "x \\leq 3", "x < 3"],
  ["1 < x < 3", "(1,3)", "x \\in (1,3)", "1 < x \\text{ and } x < 3", "3 > x > 1", "x > 1, x < 3", "1 \\le x \\le 3"],
  ["1 \\le x < 5", "[1,5)", "x \\in [1,5)", "5 > x \\ge 1", "1 \\leq x < 5", "1<x<5"],
  ["-2 < a < 0 < b", "-2<a<0<b", "b > 0 > a > -2", "a < 0 < b"],
  ["0 < x \\le y \\le 2", "0<x\\leq y\\leq 2", "2 \\ge y \\ge x > 0"],
  [
    "50\\%",
    "50 percent",
    "50 \\%",
    "50\\text{ percent}",
    "0.5",
    "\\frac{1}{2}",
    "50",
    "50%",
    "fifty percent",
    "50 \\text{percent}",
  ],
  ["12.5\\%", "12.5 percent", "0.125", "12.5", "\\frac18", "12.5 pct", "12.5 percentage"],
  ["x_1^2 + x_2^2", "x^2_1 + x^2_2", "x_{1}^{2}+x_{2}^{2}", "x_2^2+x_1^2"],
  ["3 \\times 10^5", "3\u00d710^5", "3 \\cdot 10^{5}", "300000", "3e5", "3*10^5", "300,000"],
  ["12 \\div 4", "12\u00f74", "12/4", "\\frac{12}{4}", "3"],
  ["x \\neq 2", "x \\ne 2", "x \u2260 2", "x != 2", "(-\\infty,2)\\cup(2,\\infty)"],
  ["\\sqrt{2}", "\u221a2", "\\sqrt 2", "2^{1/2}", "2^{0.5}", "\\sqrt[2]{2}", "1.41421356"],
  ["\\pi", "\u03c0", "3.14159265", "\\text{pi}", "pi"],
  ["\\infty", "\u221e", "+\\infty", "-\\infty"],
  ["x \\in \\mathbb{R}", "\\mathbb{R}", "(-\\infty,\\infty)", "\u211d", "\\mathbf{R}", "\\text{all real numbers}"],
  ["\\{1,2,3\\} \\setminus \\{2\\}", "\\{1,3\\}", "\\{1,2,3\\} \u2216 \\{2\\}", "\\{1,2,3\\} \\backslash \\{2\\}"],
  ["\\{1,2\\} \\cap \\{2,3\\}", "\\{2\\}", "\\{1,2\\} \u2229 \\{2,3\\}", "2"],
  [
    "|x|",
    "\\left|x\\right|",
    "\\lvert x \\rvert",
    "\\vert x \\vert",
    "\\operatorname{abs}(x)",
    "\\mid x \\mid",
    "\\|x\\|",
  ],
  ["\\log_2 8", "\\log_{2}8", "\\log_2(8)", "\\frac{\\ln 8}{\\ln 2}", "3", "\\lg 8", "\\log 8"],
  ["\\ln x", "\\log_e x", "\\log x", "\\ln(x)", "\\ln{x}", "\\log_{e}(x)"],
  ["\\sin^2 x", "(\\sin x)^2", "\\sin^{2}(x)", "\\sin(x)^2", "1-\\cos^2 x", "\\sin x^2"],
  ["\\arcsin x", "\\sin^{-1} x", "\\operatorname{arcsin} x", "\\asin x"],
  ["5!", "120", "5 !", "\\factorial{5}", "5 \\cdot 4!", "\\Gamma(6)"],
  ["\\sum_{k=1}^{3} k", "6", "\\sum_{k=1}^{3}{k}", "1+2+3", "\\sum\\limits_{k=1}^3 k"],
  ["\\prod_{k=1}^{4} k", "24", "4!", "\\prod_{k=1}^4 k"],
  ["\\max(1,2)", "\\max\\{1,2\\}", "2", "\\operatorname{max}(1,2)"],
  ["\\min(1,2)", "\\min\\{1,2\\}", "1", "\\operatorname{min}(1,2)"],
  [
    "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
    "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}",
    "\\left(\\begin{array}{cc}1&2\\\\3&4\\end{array}\\right)",
    "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\\\ \\end{pmatrix}",
    "\\begin{matrix}1&2\\\\3&4\\end{matrix}",
  ],
  [
    "\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}",
    "\\det\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
    "-2",
    "\\left|\\begin{matrix}1&2\\\\3&4\\end{matrix}\\right|",
  ],
  ["7\\frac{3}{4}", "7 \\frac34", "\\frac{31}{4}", "7.75", "7 3/4", "31/4", "7+\\frac34"],
  ["30^\\circ", "30\u00b0", "30 \\text{ degrees}", "30 degrees", "30^{\\circ}", "30", "\\frac{\\pi}{6}"],
  ["$12", "\\$12", "12 \\text{ dollars}", "12", "12 dollars", "\\text{\\$}12", "12.00"],
  ["a \\to b", "a \\rightarrow b", "a \u2192 b"],
  ["(x-1)(x+1)", "x^2-1", "(x+1)(x-1)", "x^2 - 1", "-(1-x^2)", "x\u00b2-1"],
  ["x = 5", "5", "5 = x", "x=5.0", "x: 5", "\\text{x = 5}", "x \\approx 5", "x \\to 5"],
  ["x=1, y=2", "(1,2)", "x = 1 \\text{ and } y = 2", "(x,y) = (1,2)", "1,2", "y=2, x=1"],
  ["f(x) = 2x+1", "2x+1", "y = 2x+1", "f = 2x+1", "f(x)=1+2x"],
  ["\\frac{a}{b}", "a/b", "a \\div b", "ab^{-1}", "\\frac{a}{b}\\,"],
  ["1 : 2", "1:2", "\\frac12", "1 \\text{ to } 2", "0.5", "1/2"],
  ["\\overline{AB}", "AB", "\\overline{BA}", "\\vec{AB}", "\\overrightarrow{AB}"],
  ["3 \\text{ or } 5", "3, 5", "\\{3,5\\}", "5 \\text{ and } 3", "3 or 5", "3 and 5", "3;5"],
]

/** Two spellings of one line, or now and then of two. */
export const notation = (count: number, seed: string): ReadonlyArray<Input> => {
  const random = Seed.stream(`graders/notation/${seed}`)
  return Array.from({ length: count }, () => {
    const line = pick(random, spellings)
    const gold = pick(random, line)
    const answer = pick(random, random.uniform() < 0.1 ? pick(random, spellings) : line)
    return { kind: "notation", answer, gold }
  })
}
