/** Text for shells: the files that are shipped for them, and words as a shell reads them back. */
import { join, resolve } from 'node:path';

/** Beside this file, and beside the bundle that it becomes a part of. */
export function shellFile(name: string): string {
  return join(__dirname, 'shell', name);
}

/** How this program is started, whatever the PATH is by then. */
export function programWords(): string {
  return [process.execPath, resolve(process.argv[1] ?? '')].map(shellQuoted).join(' ');
}

/** One word, whatever is in it: `it's` → `'it'\''s'`. */
function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
