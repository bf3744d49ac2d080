/**
 * Decimal numbers as text: one spelling for one value, without ever going through a double.
 *
 *   "1.50e2" and "150" name the same value; "0.1" and 0.1 do, since 0.1 is the double's shortest spelling
 */

/** Whether a JSON number token and a double name the same decimal value. Shortest round-trip digits decide, as in RFC 8785. */
export function sameDecimal(token: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  return decimalOf(token) === decimalOf(String(value));
}

/** One spelling for one decimal value: sign, digits without outer zeros, "e", power of ten. Zero is "0". */
function decimalOf(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const kept = withoutEndZeros(digits);
  if (kept === '') return '0';
  return `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}

/** Digits without their last zeros. A regular expression takes quadratic time here: 8 s for 100,000 zeros before a one. */
export function withoutEndZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}
