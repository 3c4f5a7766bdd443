/** Ten ways to write an answer that leave it what it is: what a gold must accept besides itself. */

const braces = /\\frac(?=[{\s0-9])/g

/** By name; each gives the content of the box. @category rewriting */
export const rewritings: Readonly<Record<string, (gold: string) => string>> = {
  "white space around": (gold) => ` \n ${gold} \n`,
  "in dollars": (gold) => (/(?<!\\)\$/.test(gold) ? ` ${gold}` : `$${gold}$`),
  "in round brackets of mathematics": (gold) => (/\$/.test(gold) ? `${gold} ` : `\\(${gold}\\)`),
  "in square brackets of mathematics": (gold) => (/\$/.test(gold) ? `${gold}\n` : `\\[${gold}\\]`),
  "display style": (gold) => `\\displaystyle ${gold}`,
  "thin spaces": (gold) => `\\,${gold}\\;`,
  "large fractions": (gold) => gold.replaceAll(braces, "\\dfrac"),
  "small fractions": (gold) => gold.replaceAll(braces, "\\tfrac"),
  coloured: (gold) => `\\color{blue}{${gold}}`,
  "in a box of its own": (gold) => `\\boxed{${gold}}`,
}
