/**
 * A bundle as one HTML file: its story, the bundle itself, and a program that checks it in the browser. It needs no network
 * and may use none: of scripts it may run that program alone, named by its digest.
 */
import { createHash } from 'node:crypto';
import type { OrderProof } from '../core/governance/orderProof';
import { formatTime } from '../core/time';
import type { PageParts } from '../services/bundleCreate';
import { BUNDLE_STYLE } from './bundleStyle';
import { opensslCommands } from './opensslCommands';
import { listSection, toldSections } from './reconstructText';
import { escaped, htmlDocument, htmlSections } from './reportPages';
import type { Section } from './reportSections';

export function bundlePage(parts: PageParts): string {
  const { bundle, stories, program, madeMs } = parts;
  const { ledger, events, workflowId } = bundle;
  const [only, ...others] = stories.streams;
  const isOne = only !== undefined && others.length === 0 && stories.order === undefined;
  const digest = createHash('sha256').update(program).digest('base64');
  return htmlDocument({
    title: stories.order !== undefined ? `Order ${workflowId}` : isOne ? only.title : workflowId,
    subtitle: `evidence: ${counted(events.length)} of the ledger ${ledger.origin} (${ledger.ledger_id}), made ${formatTime(madeMs)}`,
    policy: `; script-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
    style: BUNDLE_STYLE,
    body: [
      checkPart(parts),
      ...(stories.order === undefined ? [] : [htmlSections([orderSection(stories.order)])]),
      ...stories.streams.map((story) => storyPart(story.title, toldSections(story), isOne)),
      htmlSections(disclosedSections(parts)),
      limitsPart(parts),
      `<details id="rows"><summary>The rows as they are stored (${events.length})</summary><ol id="lines"></ol></details>`,
      `<script type="application/json" id="bundle">${embedded(parts.file)}</script>`,
      `<script>${program}</script>`,
    ].join('\n'),
  });
}

const counted = (rows: number): string => `${rows} ${rows === 1 ? 'row' : 'rows'}`;

/** What could end its element, or a line, in a spelling that no bundle has: the page turns it back. */
function embedded(file: string): string {
  return file.replace(/[<\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function checkPart({ bundle, signerLine }: PageParts): string {
  const { keyId } = bundle.signature;
  const key =
    signerLine === undefined
      ? `<p>It is signed with a shared secret, <code>${escaped(keyId)}</code>. Never give that to a page: <code>ledger bundle verify</code> checks by it.</p>`
      : `<p>It says that it is signed with the key <code>${escaped(keyId)}</code>. Compare that with the one you were given, by another way than this page; or paste the one you were given:</p>
<textarea id="key" rows="2" spellcheck="false" autocomplete="off" aria-label="the key that you were given" placeholder="ssh-ed25519 AAAA…"></textarea>
<button type="button" id="check-key">Check by this key</button> <span id="key-fault" class="bad"></span>
<p class="sub">The key that came with this page: <code id="page-key">${escaped(signerLine)}</code></p>`;
  return `<section id="check"><h2>Was anything changed?</h2>
<p id="verdict" role="status">Not checked: this page checks itself where scripts may run.</p>
<dl id="parts"></dl><ul id="findings"></ul>
<h3>Who made it?</h3>
${key}</section>`;
}

/** One alone is the page; of several each is opened by who wants to read it. */
function storyPart(title: string, sections: readonly Section[], isOne: boolean): string {
  const told = htmlSections(sections);
  return isOne ? told : `<details class="told"><summary>${escaped(title)}</summary>${told}</details>`;
}

function orderSection({ links, ...sums }: OrderProof): Section {
  const rows = links.flatMap(({ name, rows: own, is_missing: isMissing }) => [
    ...(isMissing ? [[name, '', 'MISSING', '']] : []),
    ...own.map((row) => [name, row.at, `${[row.action, row.text].filter((part) => part !== '').join(' · ')}${row.not_live === null ? '' : ` (${row.not_live}: not counted)`}`, String(row.seq)]), // prettier-ignore
  ]);
  const section = listSection('From payment to delivery', ['', 'when', 'what', 'row'], 2, rows);
  const { revenue_usd: revenue, spend_usd: spend, margin_usd: margin } = sums;
  return { ...section, notes: [`revenue ${revenue} USD · spend ${spend} USD · margin ${margin} USD`] };
}

function disclosedSections({ bundle: { disclosed = [] } }: PageParts): Section[] {
  if (disclosed.length === 0) return [];
  const rows = disclosed.map(({ seq, field, value }) => [field, typeof value === 'string' ? value : JSON.stringify(value), String(seq)]); // prettier-ignore
  return [listSection('Sealed fields that are shown', ['field', 'value', 'row'], 1, rows)];
}

function limitsPart({ bundle: { workflowId, signature }, notProved }: PageParts): string {
  const name = `${workflowId.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 80)}.json`.replace(/^-/, './-');
  const key = signature.alg === 'hmac-sha256' ? '--hmac-key-file secret' : '--key signer.pub';
  return `<section><h2>What this page cannot prove</h2>
<p>Whoever wrote this page wrote its check, too, and told its story: a forged page can say of itself that it holds. So take the bundle out of it, and check that with a program and a key that you have from elsewhere. What is proved then are the rows, which stand below as they are stored; the story is one reading of them.</p>
<p><button type="button" id="save" data-name="${escaped(name.replace(/^\.\//, ''))}">Save the bundle</button></p>
${code([`ledger bundle verify ${name} ${key}`, `node verify-bundle.mjs ${name} ${key}`])}
<details><summary>With OpenSSL 3 and jq alone</summary>${code(opensslCommands(name, signature.alg))}
<p>The first must say the content hash above. jq writes some values otherwise than RFC 8785 (a DEL character, numbers such as 1e-7 and 1e20, names beyond U+FFFF in another order): where its digest is another one, take one of the programs above.</p></details>
<p>Not proved by any check of it:</p>
<ul>${notProved.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul></section>`;
}

function code(lines: readonly string[]): string {
  return `<pre>${lines.map(escaped).join('\n')}</pre>`;
}
