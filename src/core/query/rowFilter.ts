/**
 * Which lines of a ledger are asked for: conditions on fields, an expression, a window of time. All of them must hold;
 * several `=` and `~` of one field are alternatives.
 *
 *   [agent=coder, agent=writer, outcome!=success], where cost_usd > 0.05, since 2026-11-20T00:00Z
 *
 * It looks at bytes, one line at a time. What it needs besides is told beforehand: strings that must stand in every line
 * that matches, so that an index can be asked and most lines need not be looked into.
 */
import type { CompiledExpression, Equality } from './expression';
import { FieldReader } from './field';
import { isAlternative, isNegative, testOf, wantsExactly, wantsString } from './term';
import type { Term, TermContext, ValueTest } from './term';
import { hasOneSpelling, Needle } from './needle';

export interface FilterRequest {
  readonly terms: readonly Term[];
  /** Compiles the expression for a reader, where there is one. */
  readonly where: ((fields: FieldReader) => CompiledExpression) | undefined;
  /** By effective time: `occurred_at`, else `ts`; infinite where it is open. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** No row, a row that matches, or one that does not. */
export type Verdict = 'no-row' | 'match' | 'other';

export class RowFilter {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** What each line that matches holds for certain: one of these strings in one of these members, spelled as we spell it. */
  readonly required: readonly RequiredText[];
  /** What was read of the line that was judged last. */
  readonly fields = new FieldReader();
  readonly #tests: readonly (() => boolean)[];
  /** Strings that stand in each line that matches, in whichever member. */
  readonly #somewhere: readonly string[];

  /** @throws LedgerError USAGE */
  constructor(request: FilterRequest, context: TermContext) {
    const { sinceMs, untilMs, terms } = request;
    this.sinceMs = sinceMs;
    this.untilMs = untilMs;
    const alternatives = byField(terms.filter(isAlternative));
    const others = terms.filter((term) => !isAlternative(term));
    const where = request.where?.(this.fields);
    const isOpen = sinceMs === -Infinity && untilMs === Infinity;
    this.#tests = [
      ...(isOpen ? [] : [this.#inWindow()]),
      ...[...alternatives, ...others.map((term) => [term])].map((group) => this.#testOf(group, context)),
      ...(where === undefined ? [] : [where.test]),
    ];
    this.required = requiredBy(alternatives, where?.equalities ?? []);
    this.#somewhere = alternatives.flatMap(([term, ...more]) =>
      term !== undefined && more.length === 0 && wantsString(term) && hasOneSpelling(term.text) ? [term.text] : [],
    );
  }

  /** A way to pass over lines that cannot match; undefined where there is none. */
  needle(): Needle | undefined {
    const texts = [
      ...this.required.flatMap(({ texts: [text, ...more] }) => (more.length === 0 ? [text ?? ''] : [])),
      ...this.#somewhere,
    ];
    const longest = texts.reduce((best, text) => (text.length > best.length ? text : best), '');
    return longest.length < MIN_NEEDLE ? undefined : new Needle(longest);
  }

  /** What the line `[start, end)` is, its newline not counted. */
  judge(bytes: Buffer, start: number, end: number): Verdict {
    if (!this.fields.read(bytes, start, end)) return 'no-row';
    for (const test of this.#tests) if (!test()) return 'other';
    return 'match';
  }

  #inWindow(): () => boolean {
    const [ts, occurredAt] = ['ts', 'occurred_at'].map((member) => this.fields.add({ member, path: [] })) as [
      number,
      number,
    ];
    return () => {
      const ms = this.fields.moment(this.fields.value(occurredAt) === undefined ? ts : occurredAt);
      return ms !== undefined && ms >= this.sinceMs && ms < this.untilMs;
    };
  }

  #testOf(group: readonly Term[], context: TermContext): () => boolean {
    const [first] = group as [Term];
    // What must not be in a field must be in none of them.
    const isMet = !isNegative(first);
    const fields = first.fields.map((field) => ({
      index: this.fields.add(field),
      tests: group.map((term): ValueTest => testOf(term, field, context)),
    }));
    return () => {
      for (const { index, tests } of fields) {
        const value = this.fields.value(index);
        for (const test of tests) if (test(value) === isMet) return isMet;
      }
      return !isMet;
    };
  }
}

/** So short a string stands in most lines anyway. */
const MIN_NEEDLE = 3;

export interface RequiredText {
  readonly members: readonly string[];
  readonly texts: readonly string[];
}

function byField(terms: readonly Term[]): Term[][] {
  const groups = new Map<string, Term[]>();
  for (const term of terms) groups.set(term.name, [...(groups.get(term.name) ?? []), term]);
  return [...groups.values()];
}

function requiredBy(alternatives: readonly Term[][], equalities: readonly Equality[]): RequiredText[] {
  const certain = alternatives.filter((group) => group.every(wantsExactly));
  const all = [
    ...certain.map((group) => ({
      members: group[0]?.fields.map(({ member }) => member) ?? [],
      texts: group.map(({ text }) => text),
    })),
    ...equalities.map(({ member, text }) => ({ members: [member], texts: [text] })),
  ];
  return all.filter(({ texts }) => texts.every(hasOneSpelling));
}
