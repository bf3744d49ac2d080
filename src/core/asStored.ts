/**
 * A checked row as `JSON.parse` gives it once it is stored, for what asks for plain objects (a validator). Nearly always it is
 * made of the values at hand: to parse the text of the members takes four times as long.
 */
import type { Json, JsonObject } from './json';
import { CALLER_MEMBERS } from './members';
import type { CallerMember } from './members';
import { isStoredTime } from './time';

type Plain = Record<string, unknown>;

/**
 * @param given the row that was checked, as its caller gave it
 * @param members what came of it, as `CheckedRow` has them
 */
export function asStored(given: JsonObject | undefined, members: string): Plain {
  return given !== undefined && isSpelledAsStored(given) ? plainObject(given) : (JSON.parse(`{${members}}`) as Plain);
}

const OTHERWISE = (Object.keys(CALLER_MEMBERS) as CallerMember[]).filter((name) => CALLER_MEMBERS[name] === 'time');

/** Times and costs are stored in one spelling each, whatever was given; a `ts` by another name. */
function isSpelledAsStored(given: JsonObject): boolean {
  if (given.has('ts') || typeof given.get('cost_usd') === 'string') return false;
  return OTHERWISE.every((name) => {
    const time = given.get(name);
    return time === undefined || (typeof time === 'string' && isStoredTime(time));
  });
}

function plainObject(members: JsonObject): Plain {
  const plain: Plain = {};
  for (const [name, value] of members) {
    if (name === '__proto__') Object.defineProperty(plain, name, { value: plainValue(value), enumerable: true });
    else plain[name] = plainValue(value);
  }
  return plain;
}

function plainValue(value: Json): unknown {
  // What is stored has no -0.
  if (typeof value !== 'object') return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(plainValue);
  return value === null ? null : plainObject(value);
}
