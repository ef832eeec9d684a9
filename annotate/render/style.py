"""How a report's page looks: light and dark as the reader's system is, on a phone, and printed on A4."""

from __future__ import annotations

from typing import Final

_LIGHT: Final = """color-scheme: light; --paper: #ffffff; --ink: #1c2227; --soft: #55606a; --card: #f1f3f5;
  --line: #cfd5da; --mark: #b86e00;"""
_DARK: Final = """color-scheme: dark; --paper: #14171a; --ink: #e6e8ea; --soft: #aab2b9; --card: #23272b;
  --line: #3d444b; --mark: #e69f00;"""

_SCREEN: Final = """
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1180px; padding: 1rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25 } h2 { margin: 2.5rem 0 .6rem; font-size: 1.25rem; line-height: 1.3 }
h1, h2, dd, dt, p { overflow-wrap: break-word }
p, .words { max-width: 46rem }
.notice { padding: .5rem .8rem; border-left: 4px solid var(--mark); background: var(--card) }
.legend span { display: inline-block; margin-right: 1.2rem }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.1em;
  border-radius: 2px; border: 1px solid var(--soft); print-color-adjust: exact; -webkit-print-color-adjust: exact }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); gap: .8rem;
  margin: 1.2rem 0 }
.headline div { padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card) }
.headline p { margin: 0; font-size: .92rem; color: var(--soft) }
.headline .figure { margin: .1rem 0 .25rem; font-size: 1.5rem; line-height: 1.25; font-weight: 600; color: var(--ink) }
.facts { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .3rem 1.4rem; margin: .8rem 0 }
.facts dt { color: var(--soft) } .facts dd { margin: 0; max-width: 46rem }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(220px, 100%), 1fr)); gap: .6rem }
.frames { margin: 1.4rem 0 } figure { margin: 0 } img { width: 100%; display: block; border-radius: 4px }
figcaption, .why { margin: .2rem 0 0; color: var(--soft); font-size: .9rem }
.drawing { max-width: 46rem } .drawing svg { display: block; width: 100%; height: auto }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8rem 0 }
td, th { padding: .35rem .6rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line) }
th { font-weight: 600; vertical-align: bottom } tbody th { font-weight: 400; vertical-align: top }
td:first-child, th:first-child { padding-left: 0; text-align: left }
table.few { max-width: 46rem }
small { display: block; white-space: nowrap; font-size: .8rem; font-weight: 400; color: var(--soft) }
code { padding: .1rem .35rem; border-radius: 3px; background: var(--card); color: var(--ink); white-space: nowrap }
"""

_NARROW: Final = """
  table { font-size: .9rem } td, th { padding: .3rem .25rem } thead th { font-size: .78rem }
"""

_PHONE: Final = """
  body { padding: .6rem .9rem 3rem } h1 { font-size: 1.35rem }
  .facts { display: block } .facts dd { margin: 0 0 .6rem } .facts code { white-space: normal }
  thead { display: none } table, tbody, tr, td, tbody th { display: block; width: 100% }
  tbody th { padding: .9rem 0 .2rem; border: 0; font-weight: 600 }
  td { display: flex; justify-content: space-between; gap: 1rem; padding: .25rem 0;
    border-bottom: 1px dotted var(--line) }
  td:has(div:empty) { display: none } .row { grid-template-columns: 1fr }
  td::before { content: attr(data-label); color: var(--soft); text-align: left }
"""

_PRINT: Final = """
  @page { size: A4; margin: 14mm 13mm }
  body { max-width: none; padding: 0; font-size: 10pt; line-height: 1.4 }
  h1 { font-size: 15pt } h2 { margin-top: 1.4rem; font-size: 12pt }
  h2, h2 + p { break-after: avoid } p { orphans: 3; widows: 3 }
  .notice, .headline div { background: none } .headline { grid-template-columns: repeat(4, 1fr); gap: .5rem }
  .headline div { padding: .4rem .5rem } .headline .figure { font-size: 13pt } .headline p { font-size: 8.5pt }
  table, tr, figure, .frames, .drawing, .headline, dd, .notice { break-inside: avoid } .legend { break-after: avoid }
  thead { display: table-header-group } td, th { padding: .2rem .35rem; font-size: 9pt } small { font-size: 7.5pt }
  .row { grid-template-columns: repeat(3, 1fr); gap: .4rem } .frames { margin: .8rem 0 } .drawing { max-width: 130mm }
"""

STYLE: Final = (
    f":root {{ {_LIGHT} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}\n"
    f"@media print {{ :root {{ {_LIGHT} }} }}"
    f"{_SCREEN}@media screen and (max-width: 60rem) {{{_NARROW}}}\n"
    f"@media screen and (max-width: 46rem) {{{_PHONE}}}\n@media print {{{_PRINT}}}\n"
)
"""The style sheet of every page. Printed pages are light whatever the screen is."""
