/**
 * The shape of `ledger.config.json`, checked strictly: a setting that nobody knows is an error, because a misspelt cap
 * would cap nothing. Comments (`// …`, or the C kind) are allowed; everything else is JSON.
 *
 *   { "caps": [{ "usd": "5.00", "per": "day" }], "timezone": "Europe/Berlin", "day_start": "04:00" }
 */
import { accessOf, checkReaders, rolesOf } from './accessSettings';
import type { AccessSettings, Roles } from './accessSettings';
import type { Cap } from './caps';
import { capsOf } from './capSettings';
import { checkpointsOf, NO_CHECKPOINTS } from './checkpointSettings';
import type { CheckpointSettings } from './checkpointSettings';
import { LedgerError } from './errors';
import { parseJson } from './parseJson';
import type { Json } from './json';
import { OMISSION_MODES } from './omissions';
import type { OmissionMode } from './omissions';
import { requiredOf, trustedKeysOf } from './signing/settings';
import type { RequiredSignatures } from './signing/settings';
import type { TrustedKeys } from './signing/signature';
import { knownKeys, objectOf, optional, textOf, textsOf, wrong } from './settings';
import { secretModeOf } from './secretSettings';
import type { SecretMode } from './secretSettings';
import { checkSealedCaps, sealOf } from './sealable';

export type Durability = 'disk' | 'os';

export interface Config {
  readonly caps: readonly Cap[];
  readonly timezone: string | undefined;
  readonly dayStartMs: number;
  /** Parts of a cap at which it is worth a word, ascending. */
  readonly thresholds: readonly number[];
  readonly durability: Durability;
  /** Files with catalogues of one's own, relative to the config. */
  readonly catalogues: readonly string[];
  /** Whether an action that no catalogue describes may be appended. */
  readonly actions: 'any' | 'strict';
  /** What is done, by catalogue, about rows that hold what an audit trail leaves out; those of the trail are refused. */
  readonly omissions: ReadonlyMap<string, OmissionMode>;
  /** Whose signatures count, by the fingerprint of the key. */
  readonly keys: TrustedKeys;
  /** Actions whose rows must be signed. */
  readonly requireSignature: RequiredSignatures;
  /** Who may read content, and what is written down of it; undefined: whoever can read the file, and nothing. */
  readonly access: AccessSettings | undefined;
  readonly roles: Roles;
  /** What is done about rows that hold a token or a private key. */
  readonly secrets: SecretMode;
  /** Fields that are sealed in every row that has them: `reason`, `payload.email`. */
  readonly seal: readonly string[];
  /** What signs bundles, and tree heads where "checkpoints" names no key of their own; as `--sign` takes it, or `hmac:FILE`. */
  readonly signer: string | undefined;
  readonly checkpoints: CheckpointSettings;
}

export const DEFAULT_CONFIG: Config = {
  caps: [],
  timezone: undefined,
  dayStartMs: 0,
  thresholds: [0.5, 0.8, 1],
  durability: 'disk',
  catalogues: [],
  actions: 'any',
  omissions: new Map(),
  keys: new Map(),
  requireSignature: new Map(),
  access: undefined,
  roles: new Map(),
  secrets: 'refuse',
  seal: [],
  signer: undefined,
  checkpoints: NO_CHECKPOINTS,
};

const SETTINGS = [
  'caps',
  'timezone',
  'day_start',
  'thresholds',
  'durability',
  'catalogues',
  'actions',
  'omissions',
  'keys',
  'require_signature',
  'access',
  'roles',
  'secrets',
  'seal',
  'signer',
  'checkpoints',
];
const LAST_COMMA = /"(?:[^"\\]|\\.)*"|(?<![[{,]\s*),(?=\s*[}\]])/g;
const COMMENT = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/**
 * Reads the text of a config.
 * @param path only for messages
 * @throws LedgerError CONFIG_INVALID, with the setting and its nearest known name
 */
export function parseConfig(text: string, path: string): Config {
  try {
    return configOf(parseJson(withoutComments(text)));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const { offset } = error.place ?? {};
    const line = offset === undefined ? undefined : text.slice(0, offset).split('\n').length;
    throw new LedgerError('CONFIG_INVALID', `${path}${line === undefined ? '' : `, line ${line}`}: ${error.message}`, {
      place: { segment: path, ...(line === undefined ? {} : { line }) },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** Comments become spaces, so that places in messages stay right; so does a comma behind the last of its kind. */
function withoutComments(text: string): string {
  return text
    .replace(/^\ufeff/, ' ')
    .replace(COMMENT, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found))
    .replace(LAST_COMMA, (found) => (found === ',' ? ' ' : found));
}

function configOf(value: Json): Config {
  const settings = objectOf(value, 'the config');
  knownKeys(settings, SETTINGS, 'setting');
  const access = optional(settings, 'access', accessOf);
  const roles = optional(settings, 'roles', rolesOf) ?? DEFAULT_CONFIG.roles;
  checkReaders(access, roles);
  const caps = optional(settings, 'caps', capsOf) ?? DEFAULT_CONFIG.caps;
  const seal = optional(settings, 'seal', sealOf) ?? DEFAULT_CONFIG.seal;
  checkSealedCaps(seal, caps);
  return {
    caps,
    timezone: optional(settings, 'timezone', textOf),
    dayStartMs: optional(settings, 'day_start', clockOf) ?? DEFAULT_CONFIG.dayStartMs,
    thresholds: optional(settings, 'thresholds', thresholdsOf) ?? DEFAULT_CONFIG.thresholds,
    durability: optional(settings, 'durability', durabilityOf) ?? DEFAULT_CONFIG.durability,
    catalogues: optional(settings, 'catalogues', pathsOf) ?? DEFAULT_CONFIG.catalogues,
    actions: optional(settings, 'actions', actionsOf) ?? DEFAULT_CONFIG.actions,
    omissions: optional(settings, 'omissions', omissionsOf) ?? DEFAULT_CONFIG.omissions,
    keys: optional(settings, 'keys', trustedKeysOf) ?? DEFAULT_CONFIG.keys,
    requireSignature: optional(settings, 'require_signature', requiredOf) ?? DEFAULT_CONFIG.requireSignature,
    access,
    roles,
    secrets: optional(settings, 'secrets', secretModeOf) ?? DEFAULT_CONFIG.secrets,
    checkpoints: optional(settings, 'checkpoints', checkpointsOf) ?? DEFAULT_CONFIG.checkpoints,
    seal,
    signer: optional(settings, 'signer', textOf),
  };
}

function clockOf(value: Json, name: string): number {
  const match = typeof value === 'string' ? /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(value) : null;
  if (match === null) throw wrong(name, 'a time of day such as "04:00"', value);
  return (Number(match[1]) * 60 + Number(match[2])) * 60_000;
}

function thresholdsOf(value: Json, name: string): readonly number[] {
  const parts = Array.isArray(value) ? value.filter((part) => typeof part === 'number' && part > 0 && part <= 10) : [];
  if (!Array.isArray(value) || parts.length !== value.length) {
    throw wrong(name, 'a list of parts of a cap, such as [0.5, 0.8, 1]', value);
  }
  return parts.map(Number).sort((a, b) => a - b);
}

function durabilityOf(value: Json, name: string): Durability {
  if (value !== 'disk' && value !== 'os') throw wrong(name, '"disk" or "os"', value);
  return value;
}

function pathsOf(value: Json, name: string): readonly string[] {
  return textsOf(value, name, 'files with catalogues');
}

function actionsOf(value: Json, name: string): Config['actions'] {
  if (value !== 'any' && value !== 'strict') throw wrong(name, '"any" or "strict"', value);
  return value;
}

function omissionsOf(value: Json, name: string): Config['omissions'] {
  const modes = [...objectOf(value, name)].map(([catalogue, mode]) => {
    const known = OMISSION_MODES.find((one) => one === mode);
    if (known === undefined) throw wrong(`${name}.${catalogue}`, `one of ${OMISSION_MODES.join(', ')}`, mode);
    if (catalogue === 'trail' && known !== 'refuse') throw wrong(`${name}.trail`, '"refuse", as it always is', mode);
    return [catalogue, known] as const;
  });
  return new Map(modes);
}
