/** The style of a report, and the script that walks through its groups and saves its data. */

export const style = `
:root { color-scheme: light dark; --fg: #1c2330; --dim: #5a6475; --bg: #fbfbfd; --card: #fff; --line: #d9dde5; --a: #7d8798; --b: #2460d8; --good: #0f7350; --bad: #b3322b; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9ef; --dim: #a3adbe; --bg: #12151b; --card: #1a1f28; --line: #343c4a; --a: #8f9bae; --b: #7aa8ff; --good: #4ac99a; --bad: #f59a94; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
header, main { max-width: 1080px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .8rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 0 0 .4rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; margin-bottom: 1rem; }
.hint { color: var(--dim); margin: 0 0 .8rem; font-size: .9rem; } .warning { color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2rem; margin: 0; } .facts div { min-width: 0; } .facts dt { color: var(--dim); font-size: .8rem; } .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 1rem; }
figure { margin: 0; min-width: 0; position: relative; } figcaption { font-size: .85rem; color: var(--dim); padding-right: 3rem; }
figure svg { width: 100%; height: auto; color: var(--fg); overflow: visible; }
.svg { position: absolute; right: 0; top: 0; font-size: .75rem; }
.key { white-space: nowrap; } .key::before { content: ""; display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .6em; border-radius: 2px; vertical-align: -.05em; } .key-a::before { background: var(--a); } .key-b::before { background: var(--b); }
table { border-collapse: collapse; width: 100%; margin-top: .6rem; font-variant-numeric: tabular-nums; } caption { text-align: left; color: var(--dim); font-size: .85rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--dim); font-weight: 500; font-size: .85rem; }
td.n, th.n { text-align: right; white-space: nowrap; } .good { color: var(--good); } .bad { color: var(--bad); }
img { display: block; max-width: min(100%, 24rem); margin: .4rem 0; }
code, pre { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; } pre { margin: 0; } .scroll { overflow-x: auto; } #group td:first-child, #group td:last-child { min-width: 12rem; }
button, input { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: 6px; padding: .2rem .7rem; } button { cursor: pointer; } input { width: 6rem; }
summary { cursor: pointer; font-weight: 600; }
`

export const client = `
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const el = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
const num = (x, d) => typeof x === "number" && Number.isFinite(x) ? x.toFixed(d ?? 3) : "–";
const save = (name, type, text) => { const a = el("a"); a.href = URL.createObjectURL(new Blob([text], { type })); a.download = name; a.click(); setTimeout(() => URL.revokeObjectURL(a.href), 1000); };
/* A spreadsheet runs what begins with = + - or @: such a text gets a quote before it. */
const field = (v) => { let t = v === null || v === undefined ? "" : typeof v === "object" ? JSON.stringify(v) : String(v); if (typeof v !== "number" && /^[=+\\-@\\t\\r]/.test(t)) t = "'" + t; return /[",\\n\\r]/.test(t) ? '"' + t.replaceAll('"', '""') + '"' : t; };
const csv = (rows) => { const names = [...new Set(rows.flatMap((r) => Object.keys(r)))]; return [names.map(field).join(","), ...rows.map((r) => names.map((n) => field(r[n])).join(","))].join("\\n") + "\\n"; };
document.getElementById("events-csv").addEventListener("click", () => save("events.csv", "text/csv", csv(data.events)));
document.getElementById("problems-csv").addEventListener("click", () => save("problems.csv", "text/csv", csv(data.problems)));
for (const button of document.querySelectorAll("button.svg")) button.addEventListener("click", () => {
  const svg = button.parentElement.querySelector("svg").cloneNode(true); const look = getComputedStyle(document.documentElement);
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg"); svg.style.color = look.getPropertyValue("--fg");
  for (const name of ["--fg", "--dim", "--a", "--b"]) svg.style.setProperty(name, look.getPropertyValue(name));
  save(button.getAttribute("aria-label").replace(/^Save | as SVG$/g, "") + ".svg", "image/svg+xml", svg.outerHTML);
});
{
  const groups = data.groups, box = document.getElementById("group"), where = document.getElementById("where");
  let at = Math.max(0, groups.length - 1);
  const content = (node, parts) => {
    if (typeof parts === "string") { node.append(el("code", parts)); return node; }
    for (const part of parts) {
      if (part.type === "text") { node.append(el("code", part.text)); continue; }
      const image = el("img"); image.src = "data:image/" + part.format + ";base64," + part.data; image.alt = "image of the prompt"; node.append(image);
    }
    return node;
  };
  const prompt = (given) => {
    if (typeof given === "string") return content(el("p", "Prompt: "), given);
    const all = el("div"); for (const m of given) all.append(content(el("p", m.role + ": "), m.content));
    return all;
  };
  const show = () => {
    box.replaceChildren();
    if (groups.length === 0) { where.textContent = "no groups logged"; return; }
    const g = groups[at]; where.textContent = "step " + g.step + ", " + g.problem + (g.source === "offline" ? ", offline data" : "") + " (" + (at + 1) + " of " + groups.length + ")";
    box.append(prompt(g.prompt));
    if (g.outcome !== "trained") box.append(el("p", g.outcome === "no-signal" ? "Not trained on: all rewards are equal." : g.outcome === "stale" ? "Not trained on: the policy has moved too far since the group was sampled." : "Not trained on: fewer than two responses have a verdict.", "hint"));
    const scroll = el("div", undefined, "scroll"), table = el("table"), head = el("tr"); scroll.tabIndex = 0; scroll.append(table); table.append(head);
    for (const [t, c] of [["response", ""], ["reward", "n"], ["w*", "n"], ["P", "n"], ["c", "n"], ["why", ""]]) { const th = el("th", t, c); th.scope = "col"; head.append(th); }
    for (const r of g.completions) { const row = el("tr"); const text = el("td"); text.append(el("code", r.text));
      const v = r.verdict, judged = v.status === "ok";
      row.append(text, el("td", judged ? num(v.score, 2) : v.status, "n " + (v.correct ? "good" : "bad")), el("td", num(r.target), "n"), el("td", num(r.policy), "n"), el("td", num(r.coefficient), "n"), el("td", v.reason || "")); table.append(row); }
    box.append(scroll);
  };
  const move = (d) => { if (groups.length > 0) { at = (at + d + groups.length) % groups.length; show(); } };
  document.getElementById("previous").addEventListener("click", () => move(-1));
  document.getElementById("next").addEventListener("click", () => move(1));
  document.getElementById("step").addEventListener("change", (event) => { const i = groups.findIndex((g) => g.step >= Number(event.target.value)); if (i >= 0) { at = i; show(); } });
  show();
}
`
