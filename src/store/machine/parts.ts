/**
 * Parts of the program that are loaded apart from it, by their file in `src/store`, `scan/scanWorker` say: of the bundle
 * they are files beside it (`dist/scanWorker.cjs`), from source (in tests, under tsx) they are the files themselves.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { LedgerError } from '../../core/errors';

/** @param file relative to `src/store`, without its ending */
export function partPath(file: string): string {
  return whereverItIs([join(__dirname, `${basename(file)}.cjs`), join(__dirname, '..', `${file}.ts`)]);
}

/** Loads a part that most runs do not need. */
export function loadPart<T>(file: string): T {
  return createRequire(__filename)(partPath(file)) as T;
}

/** The folder of the package's schemas. */
export function schemasFolder(): string {
  return whereverItIs([join(__dirname, '..', 'schemas'), join(__dirname, '..', '..', '..', 'schemas')]);
}

/** The verifier of bundles that stands alone: it is handed on as it is. */
export function verifierText(): string {
  const name = join('docs', 'verify-bundle.mjs');
  return readFileSync(whereverItIs([join(__dirname, '..', name), join(__dirname, '..', '..', '..', name)]), 'utf8');
}

/** The program that checks a bundle in its page. */
export function pageProgram(): string {
  return readFileSync(whereverItIs([join(__dirname, 'page.js'), join(__dirname, '../../../dist/page.js')]), 'utf8');
}

function whereverItIs(places: readonly string[]): string {
  const path = places.find((place) => existsSync(place));
  if (path !== undefined) return path;
  throw new LedgerError('INVARIANT', `internal: expected a part of the program at ${places.join(' or ')}, found none`, {
    hint: 'the installation is incomplete: build or install it again',
  });
}
