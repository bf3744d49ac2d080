/** Sealed fields that are shown: that the opening is the one whose digest stands in the row. */
import type { Opening } from './bundle';
import { digestHex } from './bytes';
import type { Findings } from './finding';
import { canonical } from './json';
import type { Json, JsonObject } from './json';
import type { Row } from './rows';

export function checkOpenings(disclosed: readonly Opening[], rows: readonly Row[], findings: Findings): void {
  for (const { seq, field, salt, name, value, digest } of disclosed) {
    const row = rows.find((one) => one.seq === seq);
    const sealed = row === undefined ? [] : [...sealedAt(row.members, field)];
    const want = `the opening of "${field}"`;
    if (!findings.must(sealed.length > 0, 'FOREIGN', want, 'no seal there', seq)) continue;
    const got = digestHex(canonical([salt, name, value]));
    const isIt = sealed.includes(digest) && got === digest && name === field;
    findings.must(isIt, 'CONTENT_ALTERED', `${want}, digest ${sealed.join(' or ')}`, `one of digest ${got}`, seq);
  }
}

/** The digests at a path such as `payload.steps[2].note`. A name may have dots in it, so that every way is gone. */
function* sealedAt(value: Json | undefined, path: string): Generator<string> {
  if (path === '') {
    const isSeal = value instanceof Map && value.size === 1;
    const sealed = isSeal ? (value as JsonObject).get('sealed') : undefined;
    if (typeof sealed === 'string' && /^[0-9a-f]{64}$/.test(sealed)) yield sealed;
    return;
  }
  for (const [step, inner] of stepsOf(value)) {
    const rest = path.startsWith(step) ? path.slice(step.length) : undefined;
    if (rest === undefined || !/^(?:$|[.[])/.test(rest)) continue;
    yield* sealedAt(inner, rest.replace(/^\./, ''));
  }
}

function stepsOf(value: Json | undefined): (readonly [string, Json])[] {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item, i) => [`[${i}]`, item] as const);
  return value instanceof Map ? [...(value as JsonObject)] : [];
}
