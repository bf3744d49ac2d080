/** The setting `caps`. */
import { CAP_UNITS } from './caps';
import type { Cap, CapUnit } from './caps';
import type { Json, JsonObject } from './json';
import { CALLER_MEMBERS } from './members';
import { parseCostNanos } from './money';
import { knownKeys, objectOf, optional, textOf, wrong } from './settings';

/** What a cap can be narrowed to: the members that hold names. */
const SCOPES = Object.entries(CALLER_MEMBERS)
  .filter(([, kind]) => kind === 'string' || kind === 'action' || kind === 'provenance')
  .map(([name]) => name);

export function capsOf(value: Json): readonly Cap[] {
  if (!Array.isArray(value)) throw wrong('caps', 'a list of caps', value);
  return value.map((item, i) => capOf(objectOf(item, `caps[${i}]`), `caps[${i}]`));
}

function capOf(cap: JsonObject, name: string): Cap {
  knownKeys(cap, ['usd', 'per', ...SCOPES], `member of ${name}`);
  const usd = cap.get('usd');
  const nanos = typeof usd === 'string' ? parseCostNanos(usd) : undefined;
  if (nanos === undefined || nanos < 0) {
    throw wrong(`${name}.usd`, 'a decimal in quotes, such as "5.00", of 0 or more and at most 9 places', usd);
  }
  const scope = new Map<string, string>();
  for (const member of SCOPES) {
    const wanted = optional(cap, member, (found) => textOf(found, `${name}.${member}`));
    if (wanted !== undefined) scope.set(member, wanted);
  }
  return { nanos: BigInt(nanos), per: unitOf(cap.get('per'), `${name}.per`), scope };
}

function unitOf(value: Json | undefined, name: string): CapUnit {
  const unit = CAP_UNITS.find((one) => one === value);
  if (unit === undefined) throw wrong(name, `one of ${CAP_UNITS.join(', ')}`, value);
  return unit;
}
