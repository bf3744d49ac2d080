/**
 * A report as Markdown, and as one HTML file that needs nothing else: no script, no network, readable on a phone, light
 * or dark. What rows say is text in both, never markup.
 */
import { printable } from '../core/printable';
import type { Section } from './reportSections';
import { markdownTable } from './table';
import type { Table } from './table';

export interface Page {
  readonly title: string;
  readonly subtitle: string;
  readonly sections: readonly Section[];
}

export function markdownPage({ title, subtitle, sections }: Page): string {
  const parts = sections.map(({ title: name, notes, table }) =>
    [
      `## ${markdownText(name)}\n`,
      ...notes.map((note) => `${markdownText(note)}\n`),
      ...(table === undefined || table.rows.length === 0 ? [] : [markdownTable(table)]),
    ].join('\n'),
  );
  return `# ${markdownText(title)}\n\n${markdownText(subtitle)}\n\n${parts.join('\n')}`;
}

function markdownText(text: string): string {
  return (
    printable(text)
      .replace(/[\\`*_[\]#|~]/g, '\\$&')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      // At the beginning of a line it would be a list, or a quotation.
      .replace(/^(?=[-+>])|(?<=^[0-9]+)(?=[.)])/, '\\')
  );
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2024;--dim:#687076;--line:#dfe3e6;--bar:#3e7bfa;--bad:#c62828;--page:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--dim:#9ba1a6;--line:#30363b;--bar:#6f9dff;--bad:#ff8a80;--page:#151718}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:60rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page)}
h1{font-size:1.5rem;margin:.5rem 0 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0}.sub{color:var(--dim)}time{white-space:nowrap}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{color:var(--dim);font-weight:normal;font-size:.85rem}
h1,p{overflow-wrap:anywhere}
th,td{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top;overflow-wrap:break-word}
tbody td{border-top:1px solid var(--line)}
tr.more td{border-top:0;padding-top:0;color:var(--dim)}
.story td,.story th{white-space:nowrap}.story .text{white-space:normal;width:100%;overflow-wrap:anywhere}
.r{text-align:right;white-space:nowrap}
.bar{width:30%;min-width:4rem}.bar i{display:block;height:.7rem;margin-top:.4rem;background:var(--bar);border-radius:2px}
.bad{color:var(--bad);font-weight:600}
@media(max-width:45rem){
.story,.story tbody,.story tr{display:block}.story thead{display:none}
.story td{display:inline-block;border:0;padding:0 .6rem 0 0;color:var(--dim)}.story td:empty{display:none}
.story td[title]::before{content:attr(title) " "}.story .text{display:block;color:var(--ink)}.story tr.more .text{color:var(--dim)}
.story tr{border-top:1px solid var(--line);padding:.4rem 0}.story tr.more{border:0;padding:0}
}
@media print{body{max-width:none}}
`;

export function htmlPage({ title, subtitle, sections }: Page): string {
  return htmlDocument({ title, subtitle, body: htmlSections(sections) });
}

export interface HtmlParts {
  readonly title: string;
  readonly subtitle: string;
  /** Markup. */
  readonly body: string;
  readonly style?: string;
  /** What it may do beyond having a style, as a Content-Security-Policy says it. */
  readonly policy?: string;
}

export function htmlDocument({ title, subtitle, body, style = '', policy = '' }: HtmlParts): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'${policy}">
<title>${escaped(title)}</title><style>${STYLE}${style}</style></head>
<body><h1>${escaped(title)}</h1><p class="sub">${marked(subtitle)}</p>
${body}
</body></html>
`;
}

export function htmlSections(sections: readonly Section[]): string {
  return sections.map(htmlSection).join('\n');
}

function htmlSection({ title, notes, table, bars, textColumn }: Section): string {
  return `<section><h2>${escaped(title)}</h2>${notes.map((note) => `<p>${marked(note)}</p>`).join('')}${
    table === undefined || table.rows.length === 0 ? '' : htmlTable(table, bars, textColumn)
  }</section>`;
}

function htmlTable({ columns, rows }: Table, bars: readonly number[] | undefined, textColumn?: number): string {
  const classOf = (i: number): string => {
    if (i === textColumn) return ' class="text"';
    return columns[i]?.align === 'right' ? ' class="r"' : '';
  };
  // On a phone the titles stand before their cells.
  const titleOf = (i: number): string =>
    textColumn === undefined || i === textColumn || !columns[i]?.title ? '' : ` title="${escaped(columns[i].title)}"`;
  const hasTitles = columns.some(({ title }) => title !== '');
  const head = columns.map(({ title }, i) => `<th${classOf(i)}>${escaped(title)}</th>`).join('');
  const lines = rows.map((row, at) => {
    const cells = row.map((cell, i) => {
      const bad = cell === 'OVER' ? ' class="bad"' : classOf(i);
      return `<td${bad}${titleOf(i)}>${marked(String(cell))}</td>`;
    });
    const width = Math.round((bars?.[at] ?? 0) * 100);
    const bar = bars === undefined ? '' : `<td class="bar"><i style="width:${width}%"></i></td>`;
    const isMore = textColumn !== undefined && textColumn > 0 && row[0] === '' && at > 0;
    return `<tr${isMore ? ' class="more"' : ''}>${cells.join('')}${bar}</tr>`;
  });
  const titles = hasTitles ? `<thead><tr>${head}${bars === undefined ? '' : '<th></th>'}</tr></thead>` : '';
  return `<div class="wide"><table${textColumn === undefined ? '' : ' class="story"'}>${titles}<tbody>${lines.join('')}</tbody></table></div>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for a page, never markup. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (unit) => ENTITIES[unit] ?? unit);
}

/** A moment is not to be broken at the end of a line. */
function marked(text: string): string {
  return escaped(text).replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>$&</time>');
}
