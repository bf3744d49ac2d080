/** Copies of fixtures to look at and to harm, and what is in them byte for byte. */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sandboxAt, temporaryFolder } from './sandbox';
import type { Sandbox } from './sandbox';

export const FIXTURES_FOLDER = resolve(__dirname, '../../fixtures');

/** A copy of a fixture as a state folder: git keeps no modes, so they are set here. */
export function copyOf(t: TestContext, name: string): Sandbox {
  const box = sandboxAt(temporaryFolder(t));
  cpSync(join(FIXTURES_FOLDER, name), box.dir, { recursive: true, filter: (path) => !path.endsWith('expected.json') });
  chmodSync(box.dir, 0o700);
  for (const path of pathsIn(box.dir)) chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
  return box;
}

export function pathsIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .sort();
}

/** Every file with the digest of its bytes; a packed segment by what is in it, since packers differ. */
export function bytesOf(dir: string): Record<string, string> {
  const files = pathsIn(dir).filter((path) => statSync(path).isFile() && !path.endsWith('expected.json'));
  return Object.fromEntries(
    files.map((path) => {
      const bytes = readFileSync(path);
      const content = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
      return [relative(dir, path), createHash('sha256').update(content).digest('hex')];
    }),
  );
}
