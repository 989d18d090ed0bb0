/**
 * The error page's style sheet: light and dark by the system's setting, one column, nothing wider than
 * a phone but code, which scrolls by itself.
 */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #fafafa; --card: #fff; --text: #1c1d21; --dim: #62656e; --line: #e2e3e8;
  --red: #c01c38; --red-soft: #fdecef; --mark: #ffc9d2;
  --comment: #6a737d; --string: #0a6b3d; --number: #9a4a00; --keyword: #6f3bc4; }
@media (prefers-color-scheme: dark) { :root {
  --page: #131418; --card: #1b1d23; --text: #e6e7eb; --dim: #9a9ea9; --line: #2e313a;
  --red: #ff7b8e; --red-soft: #34202a; --mark: #7d2a3d;
  --comment: #8b919d; --string: #8fd6a4; --number: #eeb57a; --keyword: #c4a5ff; } }
* { box-sizing: border-box; margin: 0; padding: 0; }
body { background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
header, main { max-width: 64rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; }
main { padding-bottom: 3rem; }
.status { color: var(--dim); font-size: .9rem; }
.status strong { color: var(--red); font-weight: 600; margin-right: .25rem; }
.status b { color: var(--text); font-weight: 600; }
h1 { font-size: 1.75rem; line-height: 1.25; font-weight: 650; margin-top: .25rem; overflow-wrap: anywhere; }
h2 { font-size: .95rem; font-weight: 600; margin: 2rem 0 .5rem; }
pre, code, .stack, .place, figcaption, .request, dl { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.message { font-size: 1.15rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 1.25rem; }
.problem + .problem { border-top: 1px solid var(--line); margin-top: 1.75rem; padding-top: 1.25rem; }
.problem .message { margin-bottom: .75rem; }
.note { color: var(--dim); margin-top: .75rem; overflow-wrap: anywhere; }
.place { color: var(--dim); font-size: .85rem; overflow-wrap: anywhere; }
figure { background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
figcaption { padding: .6rem 1rem; border-bottom: 1px solid var(--line); font-size: .85rem; color: var(--dim); overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .6rem 0; font-size: .875rem; line-height: 1.6; tab-size: 2; }
code { display: block; width: max-content; min-width: 100%; }
.row { display: block; padding-right: 1rem; border-left: 3px solid transparent; }
.row i { display: inline-block; width: 3.25rem; padding-right: 1rem; text-align: right; color: var(--dim); font-style: normal; user-select: none; }
.marked { background: var(--red-soft); border-left-color: var(--red); }
.marked i { color: var(--red); font-weight: 600; }
mark { background: var(--mark); color: inherit; border-radius: 2px; box-shadow: 0 2px 0 var(--red); }
.comment { color: var(--comment); } .string { color: var(--string); }
.number { color: var(--number); } .keyword { color: var(--keyword); }
.stack { list-style: none; font-size: .875rem; }
.stack li { padding: .35rem 0; border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; }
.stack .name { overflow-wrap: anywhere; }
.stack .library .name, .stack .runtime .name { color: var(--dim); }
.stack .user .name { font-weight: 600; } .stack .user .place { color: var(--text); }
.cause { border-left: 3px solid var(--line); padding-left: 1.25rem; margin-top: 2rem; }
.cause > h2 { margin-top: 0; }
.request { font-size: .875rem; overflow-wrap: anywhere; margin-bottom: .5rem; }
dl { font-size: .8125rem; }
dl div { display: grid; grid-template-columns: 13rem 1fr; gap: 0 1rem; padding: .3rem 0; border-top: 1px solid var(--line); }
dt { color: var(--dim); overflow-wrap: anywhere; } dd { overflow-wrap: anywhere; white-space: pre-wrap; }
@media (max-width: 40rem) {
  header, main { padding-left: 1rem; padding-right: 1rem; }
  header { padding-top: 1.5rem; }
  h1 { font-size: 1.4rem; }
  pre { font-size: .8125rem; } .row i { width: 2.25rem; padding-right: .6rem; }
  .cause { padding-left: .9rem; }
  dl div { grid-template-columns: 1fr; }
}
`;
