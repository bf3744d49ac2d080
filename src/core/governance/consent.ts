/**
 * Whether a person agreed. Only words that say yes count as a yes: "not approved", "changes requested" and a comment do not.
 * Words that say no take back a yes of before.
 */
import type { Row } from '../members';
import { textOf } from './finding';

const YES =
  /^(?:approv(?:e|es|ed|al)|accept(?:s|ed)?|agree[ds]?|allow(?:s|ed)?|yes|sign(?:s|ed)?|ok|okay|confirm(?:s|ed)?|consent(?:s|ed)?|grant(?:s|ed)?|authori[sz]e[ds]?|endorse[ds]?|edited|lgtm|\+1)$/i;
const NO =
  /^(?:reject|den[yi]|declin|refus|revok|withdr|object|veto|block|disapprov|disagree|not |no\b|changes? requested|-1)/i;

/** What the row says in a word: the intent of an approval, the verdict, the outcome. */
function wordOf(row: Row): string {
  // An approval of the trail is one by its type.
  if (row.action === 'approval') return 'approved';
  return (
    textOf(row, 'intent') ??
    textOf(row, 'verdict') ??
    textOf(row, 'outcome') ??
    textOf(row, 'result') ??
    ''
  ).trim();
}

export function saysYes(row: Row): boolean {
  return YES.test(wordOf(row));
}

export function saysNo(row: Row): boolean {
  return NO.test(wordOf(row));
}

const UNSEEN = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/gu;

/** Who: "Ann Ode", "ann  ode " and "Ann Ode (sre)" are one person; undefined where nobody is named. */
export function nameOf(row: Row): string | undefined {
  return personOf(textOf(row, 'actor') ?? '');
}

export function personOf(name: string): string | undefined {
  const plain = name.normalize('NFKC').replace(UNSEEN, '').replace(/\s+/g, ' ').trim().toLowerCase();
  return plain.replace(/(?<=\S) \([^()]*\)$/, '') || undefined;
}
