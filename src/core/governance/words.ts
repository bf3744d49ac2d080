/** How values of rows are said in a sentence. Nothing is made up: what is not there is not said. */
import type { Row } from '../members';
import { SEALED_TEXT, sealIn } from '../seal';
import { fieldOf, textOf } from './finding';

/** `tool_executed` → `Tool executed`; `run.invocation` → `Run invocation` */
export function actionTitle(action: string): string {
  return sentence(action.replace(/[._]+/g, ' '));
}

/** With the capital that it begins with. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Parts that are there, with a dot between. */
export function dotted(...parts: readonly (string | undefined)[]): string {
  let text = '';
  for (const part of parts) if (part !== undefined && part !== '') text += text === '' ? part : ` · ${part}`;
  return text;
}

/** A value as words: `DE-001`, `[US-001, UK-002]`, `entity DE-001 · period 2026-04`. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value !== 'object') return typeof value === 'string' ? value : JSON.stringify(value);
  if (sealIn(value) !== undefined) return SEALED_TEXT;
  return Object.entries(value).map(([name, of]) => `${name} ${valueText(of)}`).join(' · '); // prettier-ignore
}

/** A member of a row as words: that it is sealed, too. Undefined where it is not there. */
export function wordsOf(row: Row, name: string): string | undefined {
  return valueText(fieldOf(row, name)) || undefined;
}

/** Of a list in a payload, each entry as words: a flag is a text, or an object with its text. */
export function entriesOf(row: Row, name: string): string[] {
  const value = fieldOf(row, name);
  if (!Array.isArray(value)) return [];
  return value.map((one: unknown) => {
    const text = typeof one === 'object' && one !== null ? (one as Record<string, unknown>)['text'] : undefined;
    const id = typeof one === 'object' && one !== null ? (one as Record<string, unknown>)['id'] : undefined;
    return text === undefined ? valueText(one) : dotted(valueText(id), valueText(text));
  });
}

/** `Surface: cli`; nothing where there is no text. */
export function named(name: string, text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : [`${name}: ${text}`];
}

/** `d4f1 v2` */
export function versionText(id: string | undefined, version: string | undefined): string {
  const named = version === undefined || !/^\d/.test(version) ? version : `v${version}`;
  return [id, named].filter((part) => part !== undefined && part !== '').join(' ');
}

/** The fields that say who did it: a person before an agent. */
export const ACTORS = ['actor', 'reviewer', 'approver', 'invoking_identity', 'executor', 'agent'] as const;

export function actorOf(row: Row): string | undefined {
  for (const name of ACTORS) {
    const text = textOf(row, name);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** "Jordan Kim (FP&A lead)" and "Jordan Kim" are one person. */
export function isSamePerson(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one === other || one.startsWith(`${other} (`) || other.startsWith(`${one} (`);
}
