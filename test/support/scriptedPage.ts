/** A page whose scripts run in Node, with as much of a document as they use: no layout, no network. */
import { runInNewContext } from 'node:vm';

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };

class Element {
  textContent = '';
  value = '';
  className = '';
  children: Element[] = [];
  readonly dataset: Record<string, string> = {};
  readonly #listeners = new Map<string, () => void>();

  addEventListener(name: string, listener: () => void): void {
    this.#listeners.set(name, listener);
  }

  append(...children: readonly Element[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: Element[]): void {
    this.children = children;
  }

  click(): void {
    this.#listeners.get('click')?.();
  }

  get text(): string {
    return [this.textContent, ...this.children.map(({ text }) => text)].filter((part) => part !== '').join(' | ');
  }
}

export interface ScriptedPage {
  /** Undefined where the page has none of that id. */
  readonly byId: (id: string) => Element | undefined;
  /** Waits until the page has said something other than before. */
  readonly verdict: () => Promise<string>;
}

export function runPage(html: string): ScriptedPage {
  const elements = new Map<string, Element>();
  for (const match of html.matchAll(/<(\w+)[^>]*\bid="([^"]+)"[^>]*>/g)) {
    const [opening, tag = '', id = ''] = match;
    const from = match.index + opening.length;
    const inner = html.slice(from, html.indexOf(`</${tag}>`, from));
    const element = new Element();
    element.textContent = tag === 'script' ? inner : unescaped(inner.replace(/<[^>]+>/g, ''));
    elements.set(id, element);
  }
  const program = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].at(-1)?.[1] ?? '';
  const document = { getElementById: (id: string) => elements.get(id) ?? null, createElement: () => new Element() };
  const browser = { document, crypto, setTimeout, atob, btoa, TextEncoder, TextDecoder, URL, Blob, Uint8Array, Error };
  runInNewContext(program, browser);
  return { byId: (id) => elements.get(id), verdict: () => verdictOf(elements.get('verdict')) };
}

async function verdictOf(element: Element | undefined): Promise<string> {
  for (let i = 0; i < 200 && element?.dataset['verdict'] === undefined; i++)
    await new Promise((done) => setTimeout(done, 10));
  return element?.dataset['verdict'] ?? 'none';
}

function unescaped(text: string): string {
  return text.replace(/&(#39|[a-z]+);/g, (whole, name: string) => NAMED[name] ?? whole);
}
