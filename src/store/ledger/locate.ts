/** From what a user says (`--dir`, `--config`, the environment) to the paths and the settings of one ledger. */
import type { Config } from '../../core/config';
import { readConfig } from './configFile';
import { statePaths } from '../paths';
import type { StatePaths } from '../paths';

/** Where a ledger is looked for. */
export interface Place {
  readonly dir: string;
  readonly configPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LocatedLedger {
  readonly paths: StatePaths;
  readonly config: Config;
  /** The file that the settings came from; undefined where the defaults hold. */
  readonly configPath: string | undefined;
}

/** @throws LedgerError CONFIG_INVALID, READ_FAILED */
export function locate(place: Place): LocatedLedger {
  const paths = statePaths(place.dir, place.env);
  const { config, path } = readConfig(paths.dir, place.configPath);
  return { paths, config, configPath: path };
}
