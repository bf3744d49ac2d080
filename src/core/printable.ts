/**
 * Text that may come from anybody, made safe to show: controls, DEL, C1 and bidirectional marks become visible `\u....`,
 * so that nothing in a row can move the cursor, hide text or turn it around.
 */
import { orNothing } from './errors';

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
// eslint-disable-next-line no-control-regex -- as above
const UNSAFE_BUT_LINES = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const visible = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** One piece of text in one line. */
export function printable(text: string): string {
  return text.replace(UNSAFE, visible);
}

/** Text whose line breaks are ours. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE_BUT_LINES, visible);
}

/** Any value of a row as text: a member may hold what it should not. */
export function plainText(value: unknown): string {
  return typeof value === 'string' ? value : jsonText(value);
}

/** A value that was read, as JSON text; what it is, where it is nested deeper than the engine writes. */
export function jsonText(value: unknown): string {
  return (
    orNothing(() => JSON.stringify(value ?? null)) ??
    `"${Array.isArray(value) ? 'a list' : 'an object'}, nested too deep"`
  );
}
