/** Text for shells: the files that are shipped for them, and words as a shell reads them back. */
import { join } from 'node:path';

/** Beside the folder of the bundles. */
export function shellFile(name: string): string {
  return join(__dirname, '..', 'shell', name);
}

/** One word, whatever is in it: `it's` → `'it'\''s'`. */
export function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
