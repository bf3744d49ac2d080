/** Runs in the page: checks the bundle in it, says what was found, and hands the bundle out as the file that it is. */
import { reportOf } from './check';
import type { Report } from './check';
import { checkContent } from './content';
import type { Content } from './content';
import { restored } from './embedded';
import { readKeys } from './keys';
import type { Keys } from './signatures';

const MARKS = { good: '✓', bad: '✗', unsure: '?' } as const;
const MAX_SHOWN = 100;
const MAX_ROWS = 5000;

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`expected an element "${id}", found none`);
  return found;
}

/** An element with text in it: what rows say is never markup. */
function element(tag: string, text: string, className = ''): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = visible(text);
  made.className = className;
  return made;
}

/** Controls, and marks that turn text around, are shown as what they are. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`); // prettier-ignore
}

function show({ verdict, said, parts, findings }: Report): void {
  const first = byId('verdict');
  first.textContent = visible(said);
  first.dataset['verdict'] = verdict;
  byId('parts').replaceChildren(
    ...parts.flatMap(({ name, state, text }) => {
      const title = element('dt', `${MARKS[state]} ${name}`, state);
      return [title, element('dd', text)];
    }),
  );
  byId('findings').replaceChildren(
    ...findings.slice(0, MAX_SHOWN).map(({ code, seq, want, got }) => {
      const item = element('li', `${code}${seq === null ? '' : ` at row ${seq}`}`, 'bad');
      item.append(element('p', `wanted ${want}`), element('p', `found ${got}`));
      return item;
    }),
    ...(findings.length > MAX_SHOWN ? [element('li', `and ${findings.length - MAX_SHOWN} more`)] : []),
  );
}

function showRows(lines: readonly string[]): void {
  const items = lines.slice(0, MAX_ROWS).map((line) => element('li', line));
  const more = lines.length - items.length;
  byId('lines').replaceChildren(...items, ...(more > 0 ? [element('li', `and ${more} more, in the bundle`)] : []));
}

function save(file: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([file], { type: 'application/json' }));
  link.download = byId('save').dataset['name'] ?? 'bundle.json';
  link.click();
}

/** None where a shared secret signed: no page asks for that. */
function keyOfPage(): Keys {
  return { keys: readKeys(document.getElementById('page-key')?.textContent ?? '') ?? [], areGiven: false };
}

/** Where the page has a field for a key, it checks by what is put in there. */
function offerKey(content: Content): void {
  const field = document.getElementById('key') as HTMLTextAreaElement | null;
  if (field === null) return;
  // A browser keeps what was typed when a page is loaded anew; a page could bring it along, too.
  field.value = '';
  byId('check-key').addEventListener('click', () => void checkWithKey(field.value, content));
}

async function checkWithKey(text: string, content: Content): Promise<void> {
  const keys = readKeys(text);
  const isKey = keys !== undefined && keys.length > 0;
  byId('key-fault').textContent =
    isKey || text.trim() === '' ? '' : 'That is no Ed25519 key: the line "ssh-ed25519 AAAA…", or PEM.';
  show(await reportOf(content, isKey ? { keys, areGiven: true } : keyOfPage()));
}

async function start(): Promise<void> {
  const file = restored(byId('bundle').textContent);
  byId('save').addEventListener('click', () => save(file));
  const content = checkContent(file);
  byId('rows').addEventListener('toggle', () => showRows(content.bundle?.events ?? []));
  offerKey(content);
  show(await reportOf(content, keyOfPage()));
}

// The story is painted first.
setTimeout(() => {
  start().catch((error: unknown) => {
    byId('verdict').textContent = `Not checked: ${String(error)}`;
    byId('verdict').dataset['verdict'] = 'broken';
  });
});
