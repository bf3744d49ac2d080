/** The shipped program, built once for a run of tests; a build that is newer than every source is taken as it is. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');

/** Builds `dist/` where it is missing or older than a source. */
export function ensureBuilt(): void {
  const built = join(ROOT, 'dist', 'ledger.cjs');
  const builtMs = existsSync(built) ? statSync(built).mtimeMs : 0;
  const names = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const newestMs = Math.max(...names.map((name) => statSync(join(ROOT, 'src', name)).mtimeMs));
  if (newestMs > builtMs) execFileSync(process.execPath, [join(ROOT, 'build.mjs')], { cwd: ROOT, timeout: 60_000 });
}
