/** `ledger schema`: the types of rows that the catalogues describe, and whether a file is as they say. */
import { catalogueOf } from '../core/catalogue';
import { LedgerError } from '../core/errors';
import { nearest } from '../core/nearest';
import { builtinTypes } from '../store/catalogue/builtin';
import type { DescribedType } from '../store/catalogue/builtin';
import { Catalogues } from '../store/catalogue/catalogues';
import { lintFiles } from '../store/catalogue/lintLines';
import type { LintCounts, LintFinding, LintOptions } from '../store/catalogue/lintLines';
import { isCatalogue, readCatalogue } from '../store/catalogue/ownCatalogues';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { hidesContent } from '../store/access/reading';
import { presentSegments } from '../store/ledger/segments';
import { nodeHost } from '../store/machine/nodeHost';

export type { DescribedType } from '../store/catalogue/builtin';
export type { LintCounts, LintFinding } from '../store/catalogue/lintLines';

/** @throws LedgerError CONFIG_INVALID, CATALOGUE_INVALID, READ_FAILED */
export function schemaTypes(place: Place): DescribedType[] {
  return new Catalogues(locate(place)).types();
}

/**
 * The schema of an action, or of every row ("plain"), as a document of its own.
 * @throws LedgerError NOT_FOUND, CONFIG_INVALID, CATALOGUE_INVALID, READ_FAILED
 */
export function schemaOf(place: Place, name: string): object {
  // What comes with the ledger is shown also where a catalogue of one's own is broken: it is what to go by.
  const isBuiltin = catalogueOf(name) !== undefined || name === 'plain';
  const types = isBuiltin ? builtinTypes() : schemaTypes(place);
  const type = types.find(({ action, catalogue }) => action === name || (action === undefined && catalogue === name));
  if (type === undefined) {
    const known = types.flatMap(({ action }) => action ?? []);
    throw new LedgerError('NOT_FOUND', `expected an action that a catalogue describes, found "${name}"`, {
      hint: `did you mean "${nearest(name, known) ?? ''}"? "ledger schema list" shows all`,
    });
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...type.schema };
}

export interface Linted {
  readonly findings: AsyncIterable<LintFinding>;
  /** Complete once the findings were read. */
  readonly counts: LintCounts;
}

/** What is in a file: a catalogue, whose actions are told, or rows. */
export type CheckedFile = { readonly kind: 'catalogue'; readonly actions: readonly string[] } | ({ readonly kind: 'rows' } & Linted); // prettier-ignore

/** @throws LedgerError CATALOGUE_INVALID for a catalogue that is none, READ_FAILED, CONFIG_INVALID */
export function checkFile(place: Place, path: string): CheckedFile {
  if (isCatalogue(path)) return { kind: 'catalogue', actions: [...readCatalogue(path).types.keys()] };
  return { kind: 'rows', ...lintPaths(place, [path], { omissions: false, nowMs: nodeHost().nowMs() }) };
}

/**
 * Rows of a file, or of all that the ledger has, held against the catalogues.
 * @param omissions whether what a trail leaves out is looked for, too
 * @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, CATALOGUE_INVALID, READ_FAILED
 */
export function lint(place: Place, path: string | undefined, omissions: boolean): Linted {
  const paths = path === undefined ? presentSegments(locate(place).paths).map((segment) => segment.path) : [path];
  return lintPaths(place, paths, { omissions, nowMs: undefined });
}

function lintPaths(place: Place, paths: readonly string[], how: Pick<LintOptions, 'omissions' | 'nowMs'>): Linted {
  const counts = { rows: 0, described: 0 };
  const findings = lintFiles(paths, { catalogues: new Catalogues(locate(place)), counts, ...how });
  return { findings: hidesContent(place) ? withoutContent(findings) : findings, counts };
}

/** Whoever lints names the catalogues: without this, one in which everything is wrong would show everything. */
async function* withoutContent(findings: AsyncIterable<LintFinding>): AsyncGenerator<LintFinding> {
  for await (const finding of findings)
    yield { ...finding, text: finding.text.replace(/, found .*$/s, ', found what is not shown here') };
}
