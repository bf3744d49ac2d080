/** From what the settings or a flag say to anchors whose paths are whole. */
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { asSetting } from '../../core/anchor/settings';
import { anchorName, parseAnchor, withPaths } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { LedgerError } from '../../core/errors';
import { refuseOwn } from '../ledger/ownFiles';
import type { LocatedLedger } from '../ledger/locate';
import type { StatePaths } from '../paths';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * @param texts as they were written
 * @param folder where relative paths begin
 * @throws LedgerError USAGE for one that is none, that is named twice, or that leads into the state folder
 */
export function anchorTargets(texts: readonly string[], folder: string, paths: StatePaths, env: Env): AnchorTarget[] {
  const targets = texts.map((text) => withPaths(parseAnchor(text), (path) => resolve(folder, fromHome(path, env))));
  const names = targets.map(anchorName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new LedgerError('USAGE', `expected each anchor once, found ${twice} twice`);
  for (const target of targets) {
    if (target.kind === 'file' || target.kind === 'git') refuseOwn(paths, 'an anchor', target.path);
  }
  return targets;
}

/**
 * Those of the settings: their paths begin where the config is.
 * @throws LedgerError CONFIG_INVALID
 */
export function configuredAnchors(texts: readonly string[], located: LocatedLedger, env: Env): AnchorTarget[] {
  try {
    return anchorTargets(texts, dirname(resolve(located.configPath ?? '.')), located.paths, env);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    throw asSetting('checkpoints.anchors', error);
  }
}

/** A shell does not do this behind "file:". */
function fromHome(path: string, env: Env): string {
  return path === '~' || path.startsWith('~/') ? `${env['HOME'] || homedir()}${path.slice(1)}` : path;
}
