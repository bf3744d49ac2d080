/** Whether the bytes of an artifact are those that its row names, where its file is at hand. Nothing but a regular file is read. */
import { createHash } from 'node:crypto';
import { createReadStream, realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArtifactCheck } from '../../core/governance/orderProof';
import { orNothing } from '../../core/errors';
import { statOf } from '../files';

/**
 * @param folder where references are looked for; a row does not make us read what lies outside of it
 * @param ref as the row has it: a path; an address of another kind is at no hand of ours
 */
export async function checkArtifact(folder: string, ref: string, sha256: string): Promise<ArtifactCheck> {
  const path = orNothing(() => pathWithin(realpathSync(folder), ref));
  if (path === undefined || orNothing(() => statOf(path))?.isFile() !== true) return 'not at hand';
  const digest = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer);
  } catch {
    return 'not at hand';
  }
  return digest.digest('hex') === sha256.toLowerCase() ? 'same' : 'differs';
}

/** Where it leads to, links followed; undefined where that is not in the folder. */
function pathWithin(folder: string, ref: string): string | undefined {
  const path = realpathSync(resolve(folder, ref.startsWith('file://') ? fileURLToPath(ref) : ref));
  const inner = relative(folder, path);
  return inner === '..' || inner.startsWith('../') || isAbsolute(inner) ? undefined : path;
}
