/**
 * Every name of the ledger set, in one place. The state folder is resolved once: a symlinked folder is followed here,
 * a symlinked file is refused where it is opened.
 */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { sha256Hex } from '../core/digest';

export interface StatePaths {
  /** The state folder, absolute; real where it exists. */
  readonly dir: string;
  readonly ledger: string;
  readonly lock: string;
  readonly healPlan: string;
  readonly spill: string;
  readonly draining: string;
  /** How far the drain of `draining` got: a shortcut, may be deleted at any time. */
  readonly drainMark: string;
  /** What was spent and reserved: a shortcut, may be deleted at any time. */
  readonly spend: string;
  /** The openings of sealed fields. */
  readonly sealed: string;
  readonly quarantine: string;
  readonly segments: string;
  readonly checkpoints: string;
  /** The hashes of the tree over the rows: a shortcut, may be deleted at any time. */
  readonly tree: string;
  readonly index: string;
  /** What SQL is asked about: a projection, may be deleted at any time. */
  readonly columns: string;
  /** The second spill place, outside the state folder, and the name it has while it is drained. */
  readonly secondSpill: string;
  readonly secondDraining: string;
  readonly secondDrainMark: string;
  /** What was signed last, outside of the state folder, by ledger. */
  readonly heads: string;
}

/** The paths of a state folder, which need not exist. */
export function statePaths(dir: string, env: Readonly<Record<string, string | undefined>>): StatePaths {
  const real = realFolder(resolve(dir));
  const stateHome = env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state');
  const second = join(stateHome, 'ledger', 'spill', sha256Hex(real));
  return {
    dir: real,
    ledger: join(real, 'audit.jsonl'),
    lock: join(real, 'audit.lock'),
    healPlan: join(real, 'audit.heal.pending'),
    spill: join(real, 'audit.spill.jsonl'),
    draining: join(real, 'audit.spill.draining'),
    drainMark: join(real, 'audit.spill.drained'),
    spend: join(real, 'audit.spend'),
    sealed: join(real, 'sealed.jsonl'),
    quarantine: join(real, 'quarantine'),
    segments: join(real, 'segments'),
    checkpoints: join(real, 'checkpoints'),
    tree: join(real, 'audit.tree'),
    index: join(real, 'index.db'),
    columns: join(real, 'columns.db'),
    secondSpill: `${second}.jsonl`,
    secondDraining: `${second}.draining`,
    secondDrainMark: `${second}.drained`,
    heads: join(stateHome, 'ledger', 'heads'),
  };
}

/** The real path of a folder that may not exist yet: its nearest existing parent is resolved. */
export function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realFolder(parent), basename(path));
  }
}

/** Whether a real path lies in a folder, or is it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}${sep}`);
}
