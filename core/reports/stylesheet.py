"""The CSS of the HTML report, for the screen and for print."""

from __future__ import annotations

STYLESHEET = """\
:root { color-scheme: light; }
* { box-sizing: border-box; }
body {
  margin: 0; background: #fff; color: #1b1b1f;
  font: 16px/1.55 "Source Serif 4", Charter, Georgia, "Noto Serif CJK SC", "Songti SC", SimSun, serif;
}
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1, h2, h3, th, figcaption, .plot svg text, .tall svg text {
  font-family: "Helvetica Neue", Helvetica, Arial, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif
    !important;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .6rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; padding-top: .5rem; border-top: 1px solid #d5d5dc; }
h3 { font-size: 1.02rem; margin: 1.6rem 0 .4rem; }
p, ul { margin: .5rem 0; }
ul { padding-left: 1.2rem; }
li { margin: .3rem 0; }
code { font: .88em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
code { padding: .08em .3em; background: #f2f2f5; }
.warnings { margin: 1rem 0; padding: .4rem 1rem; background: #fff8ec; border: 1px solid #b45309; }
.warnings { border-left-width: 5px; }
.summary { margin: 1rem 0; padding: .5rem 1rem; background: #f2f5fc; border-left: 5px solid #2657c9; list-style: none; }
.wide { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .28rem .65rem .28rem 0; }
th { font-size: .82rem; border-bottom: 1.5px solid #1b1b1f; }
.figures td { font-size: .85rem; border-bottom: 1px solid #e4e4ea; }
.figures .number { white-space: nowrap; }
.log td {
  font: .66rem/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  padding-top: 0; padding-bottom: 0; white-space: nowrap;
}
.log td + td, .log th + th { padding-left: .9rem; border-left: 1px solid #d5d5dc; }
figure { margin: 1.2rem 0; }
.log td:last-child { padding-right: 0; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { font-size: .82rem; line-height: 1.4; color: #4a4a55; margin-top: .3rem; }
@media print, (min-width: 40rem) { code { display: inline-block; max-width: 100%; } }
@page { size: A4; margin: 18mm 17mm; }
@media print {
  body { font-size: 10.5pt; line-height: 1.4; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 17pt; } h2 { font-size: 12.5pt; } h3 { font-size: 11pt; }
  h1, h2, h3, th, h2 + p, h3 + p, p:has(+ .wide) { break-after: avoid; }
  figure, .warnings, .summary, .figures, tr, li { break-inside: avoid; }
  thead { display: table-header-group; }
  p { orphans: 3; widows: 3; }
  h2 { margin: 12pt 0 4pt; padding-top: 5pt; }
  figure { margin: 6pt 0; }
  .plot svg { height: 57mm; } .tall svg { max-height: 230mm; } .screen svg { height: 78mm; }
  .wide { overflow: visible; margin: 5pt 0; }
  td, th { padding-top: 1.2pt; padding-bottom: 1.2pt; }
  .figures td { font-size: 9pt; line-height: 1.3; }
  .log td { font-size: 7.6pt; line-height: 1.3; }
  code { background: none; padding: 0; }
  .warnings, .summary { background: none; }
}
"""
