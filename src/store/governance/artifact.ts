/** Whether the bytes of an artifact are those that its row names, where its file is at hand. Nothing but a regular file is read. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { ArtifactCheck } from '../../core/governance/orderProof';
import { orNothing } from '../../core/errors';
import { statOf } from '../files';

/**
 * @param folder where relative references are looked for
 * @param ref as the row has it: a path; an address of another kind is at no hand of ours
 */
export async function checkArtifact(folder: string, ref: string, sha256: string): Promise<ArtifactCheck> {
  const path = resolve(folder, ref.replace(/^file:\/\//, ''));
  if (orNothing(() => statOf(path))?.isFile() !== true) return 'not at hand';
  const digest = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer);
  } catch {
    return 'not at hand';
  }
  return digest.digest('hex') === sha256.toLowerCase() ? 'same' : 'differs';
}
