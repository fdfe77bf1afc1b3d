/** The style of the HTML report. Who is meant is always written too; colour only tells members, methods and oracle apart. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2430; --faint: #5d6876; --line: #dfe3e8; --panel: #f6f7f9;
  --member: #8e99a8; --method: #2f6fd0; --oracle: #c98a1b; --right: #1a7f4b; --wrong: #b3372f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181e; --ink: #e4e8ee; --faint: #98a3b1; --line: #2d343e; --panel: #1b2129;
    --member: #77838f; --method: #6ea3f5; --oracle: #e0ab4c; --right: #56c98c; --wrong: #ef8078; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 24px; } h2 { font-size: 20px; margin-top: 40px; } h3 { font-size: 16px; margin: 28px 0 8px; }
p, small, summary small { color: var(--faint); } small { white-space: nowrap; font-size: 12px; }
.note { color: var(--ink); background: var(--panel); border-left: 3px solid var(--oracle); padding: 6px 12px; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 12px; }
figure { margin: 0; padding: 12px 14px; background: var(--panel); border-radius: 8px; }
figcaption { font-weight: 600; margin-bottom: 6px; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font-size: 11px; }
svg .name, svg .value, svg .end { text-anchor: end; }
svg .tick { fill: var(--faint); } svg .tick:not(.end) { text-anchor: middle; }
svg .axis { stroke: var(--faint); } svg .grid { stroke: var(--line); }
svg .whisker { stroke: var(--ink); stroke-width: 1.2; fill: none; }
svg .lead { stroke: var(--faint); stroke-width: 0.7; }
svg .member { fill: var(--member); } svg .method { fill: var(--method); } svg .oracle { fill: var(--oracle); }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; }
.key.member { background: var(--member); } .key.method { background: var(--method); } .key.oracle { background: var(--oracle); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--faint); font-weight: 500; } tbody th { font-weight: 600; }
table.numbers { width: 100%; } .numbers th, .numbers td { padding-right: 10px; vertical-align: top; font-size: 14px; }
.numbers thead th { white-space: normal; vertical-align: bottom; max-width: 90px; overflow-wrap: anywhere; }
.numbers tbody th { white-space: normal; min-width: 90px; max-width: 220px; overflow-wrap: anywhere; }
.numbers small { display: block; font-size: 11px; }
td.said { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 200px; }
td.right { color: var(--right); } td.wrong { color: var(--wrong); }
details { border-bottom: 1px solid var(--line); padding: 6px 0; } summary { cursor: pointer; }
`;
