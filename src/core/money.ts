/**
 * Exact money. A cost is a whole number of nano-dollars (10^-9 USD): one cost is below 10^15 of them and fits a
 * double exactly; sums are bigint. Nothing here ever adds floats.
 *
 *   "1e-4" → 100000 nanos → "0.0001"        "12.50" → 12500000000 → "12.5"
 */

import { withoutEndZeros } from './decimal';

export const NANOS_PER_USD = 1_000_000_000;
const MAX_PLACES = 9;
/** What nearly every cost looks like. */
const PLAIN = /^(-?)([0-9]{1,6})(?:\.([0-9]{1,9}))?$/;
const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/;

/**
 * Reads a decimal ("0.0001", "-3", "1e-4") of USD as nano-dollars.
 * @returns undefined when it is not a decimal, has more than 9 places, or is 10^6 or more in size
 */
export function parseCostNanos(text: string): number | undefined {
  const plain = PLAIN.exec(text);
  if (plain !== null) {
    const nanos = Number(plain[2]) * NANOS_PER_USD + Number((plain[3] ?? '').padEnd(MAX_PLACES, '0'));
    return plain[1] === '-' ? 0 - nanos : nanos;
  }
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return 0;
  const places = fraction.length - Number(exponent);
  const kept = withoutEndZeros(digits);
  const keptPlaces = places - (digits.length - kept.length);
  if (keptPlaces > MAX_PLACES || kept.length - keptPlaces > 6) return undefined;
  const nanos = Number(kept) * 10 ** (MAX_PLACES - keptPlaces);
  return sign === '-' ? -nanos : nanos;
}

/** Nobody writes longer ones; a bigint of a million digits takes seconds. */
const MAX_ROUNDED_LENGTH = 400;

/**
 * A decimal of more than nine places rounded to the nano-dollar, halves away from zero; in the form of `formatNanos`.
 * @returns undefined when it is not a decimal, or has no more than nine places
 */
export function roundedToNanos(text: string): string | undefined {
  const match = text.length > MAX_ROUNDED_LENGTH ? null : DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const dropped = fraction.length - Number(exponent) - MAX_PLACES;
  if (dropped <= 0) return undefined;
  const unit = 10n ** BigInt(dropped);
  const nanos = (BigInt(whole + fraction) * 2n + unit) / (unit * 2n);
  return formatNanos(sign === '-' ? -nanos : nanos);
}

/** Nano-dollars in plain notation without trailing zeros: the stored form of `cost_usd`, and the form of every exact sum. */
export function formatNanos(nanos: number | bigint): string {
  const value = BigInt(nanos);
  const size = value < 0n ? -value : value;
  const whole = size / BigInt(NANOS_PER_USD);
  const fraction = (size % BigInt(NANOS_PER_USD)).toString().padStart(MAX_PLACES, '0').replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
