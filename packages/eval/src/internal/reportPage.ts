/** The report's style and its script, which runs in the browser and builds everything from the embedded data. */

export const style = `
:root { color-scheme: light dark; --fg: #1c2330; --dim: #667085; --bg: #fbfbfd; --card: #fff; --line: #e3e6ec; --a: #9aa4b5; --b: #2f6fed; --good: #138a5e; --bad: #c2413a; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9ef; --dim: #97a1b3; --bg: #12151b; --card: #1a1f28; --line: #2c3340; --a: #76829a; --b: #6ea0ff; --good: #4ac99a; --bad: #f08a83; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
header, main { max-width: 1080px; margin: 0 auto; padding: 1.2rem; }
h1 { font-size: 1.5rem; margin: 0 0 .8rem; } h2 { font-size: 1.1rem; margin: 0 0 .4rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin-bottom: 1rem; }
.hint { color: var(--dim); margin: 0 0 .8rem; font-size: .9rem; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2rem; margin: 0; } .facts dt { color: var(--dim); font-size: .8rem; } .facts dd { margin: 0; font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 1rem; }
.plots figure { margin: 0; min-width: 0; } .plots figcaption { font-size: .85rem; color: var(--dim); }
.uplot, .u-legend { color: var(--fg); } .u-legend { font-size: 12px; }
table { border-collapse: collapse; width: 100%; margin-top: .6rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); } th { color: var(--dim); font-weight: 500; font-size: .85rem; }
td.n, th.n { text-align: right; } .good { color: var(--good); } .bad { color: var(--bad); }
img { display: block; max-width: min(100%, 24rem); margin: .4rem 0; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow: auto; margin: 0; } .scroll { overflow-x: auto; }
button { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: 6px; padding: .2rem .7rem; cursor: pointer; }
`

export const client = `
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const el = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
const num = (x, d) => typeof x === "number" && Number.isFinite(x) ? x.toFixed(d ?? 3) : "–";
const axis = () => ({ stroke: css("--dim"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } });
function plot(parent, title, xs, series, opts) {
  const figure = el("figure"); figure.append(el("figcaption", title)); parent.append(figure);
  const width = () => Math.max(260, figure.clientWidth || 320);
  const u = new uPlot({ width: width(), height: 220, cursor: { y: false }, scales: { x: { time: false, ...(opts && opts.x) }, y: (opts && opts.y) || {} },
    axes: [{ ...axis(), ...(opts && opts.xAxis) }, { ...axis(), size: 56 }], bands: (opts && opts.bands) || [],
    series: [{ label: (opts && opts.xLabel) || "step" }, ...series.map((s) => ({ label: s.label, stroke: s.stroke, width: s.width ?? 2, fill: s.fill, points: { show: s.points ?? false, size: 6 }, value: (_, v) => num(v) }))] },
    [xs, ...series.map((s) => s.values)], figure);
  addEventListener("resize", () => u.setSize({ width: width(), height: 220 }));
}
const alpha = (color) => color + "33";
{
  const ks = Object.keys(data.trained).map(Number).filter((k) => data.base[k]).sort((a, b) => a - b);
  const col = (curve, f) => ks.map((k) => curve[k][f]);
  const band = (name, curve, color) => [
    { label: name, values: col(curve, "mean"), stroke: color, points: true },
    { label: name + " high", values: col(curve, "high"), stroke: alpha(color), width: 1 },
    { label: name + " low", values: col(curve, "low"), stroke: alpha(color), width: 1 } ];
  const a = css("--a"), b = css("--b");
  if (ks.length > 0) plot(document.getElementById("passk"), "pass@k by k", ks, [...band("before", data.base, a), ...band("after", data.trained, b)],
    { x: { distr: 3, log: 2 }, xAxis: { values: (_, v) => v.map((x) => x === null || !ks.includes(x) ? "" : String(x)) }, y: { range: [0, 1] }, xLabel: "k",
      bands: [{ series: [2, 3], fill: alpha(a) }, { series: [5, 6], fill: alpha(b) }] });
  const table = document.getElementById("passk-table");
  const head = el("tr"); for (const [t, c] of [["k", ""], ["before", "n"], ["after", "n"], ["change", "n"]]) head.append(el("th", t, c)); table.append(head);
  const cell = (e) => num(e.mean) + "  [" + num(e.low) + ", " + num(e.high) + "]";
  for (const k of ks) { const row = el("tr"); const change = data.trained[k].mean - data.base[k].mean;
    row.append(el("td", "pass@" + k), el("td", cell(data.base[k]), "n"), el("td", cell(data.trained[k]), "n"), el("td", (change >= 0 ? "+" : "") + num(change), "n " + (change >= 0 ? "good" : "bad"))); table.append(row); }
}
{
  const rows = data.events, xs = rows.map((r) => r.step), parent = document.getElementById("curves");
  const value = (name) => rows.map((r) => typeof r[name] === "number" ? r[name] : null);
  for (const [title, names] of [["Reward", ["reward"]], ["Pass rate of the training batch", ["passRate", "solvedRate"]], ["Entropy (nats per token)", ["entropy"]], ["Gradient norm before clipping", ["gradNorm"]], ["Response length (tokens)", ["responseLength"]], ["KL(w* || P) (nats)", ["targetKl"]], ["Groups without signal", ["zeroVariance"]]]) {
    const present = names.filter((n) => rows.some((r) => typeof r[n] === "number"));
    if (present.length > 0) plot(parent, title, xs, present.map((n, i) => ({ label: n, values: value(n), stroke: css(i === 0 ? "--b" : "--a") })));
  }
}
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
    if (groups.length === 0) { where.textContent = "no groups were logged"; return; }
    const g = groups[at]; where.textContent = "step " + g.step + ", " + g.problem + " (" + (at + 1) + " of " + groups.length + ")";
    box.append(prompt(g.prompt));
    if (g.outcome !== "trained") box.append(el("p", g.outcome === "no-signal" ? "Not trained on: all rewards are equal." : "Not trained on: fewer than two responses have a verdict.", "hint"));
    const scroll = el("div", undefined, "scroll"), table = el("table"), head = el("tr"); scroll.append(table); table.append(head);
    for (const [t, c] of [["response", ""], ["reward", "n"], ["w*", "n"], ["P", "n"], ["c", "n"], ["why", ""]]) head.append(el("th", t, c));
    for (const r of g.completions) { const row = el("tr"); const text = el("td"); text.append(el("code", r.text));
      const v = r.verdict, judged = v.status === "ok";
      row.append(text, el("td", judged ? num(v.score, 2) : v.status, "n " + (v.correct ? "good" : "bad")), el("td", num(r.target), "n"), el("td", num(r.policy), "n"), el("td", num(r.coefficient), "n"), el("td", v.reason || "")); table.append(row); }
    box.append(scroll);
  };
  const move = (d) => { if (groups.length > 0) { at = (at + d + groups.length) % groups.length; show(); } };
  document.getElementById("previous").addEventListener("click", () => move(-1));
  document.getElementById("next").addEventListener("click", () => move(1));
  show();
}
document.getElementById("config").textContent = JSON.stringify(data.config, null, 2);
`
