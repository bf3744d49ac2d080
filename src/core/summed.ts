/**
 * A JSON object whose last member is the SHA-256 of the text before it: a shortcut on disk that was torn, or changed by
 * a slip, is told from a whole one.
 *
 *   {"offset":365000,"head":"<hash>","sum":"<sha256 of what is before>"}
 */
import { sha256Hex } from './digest';

const SUM_START = ',"sum":"';

/** The text of an object with its sum, and a newline. */
export function summedText(value: object): string {
  const text = JSON.stringify(value).slice(0, -1);
  return `${text}${SUM_START}${sha256Hex(text)}"}\n`;
}

/** The object in such a text; undefined where that is not whole. What it holds is for the caller to know. */
export function parseSummed(text: string): unknown {
  const at = text.lastIndexOf(SUM_START);
  if (at < 0 || text.slice(at) !== `${SUM_START}${sha256Hex(text.slice(0, at))}"}\n`) return undefined;
  return JSON.parse(`${text.slice(0, at)}}`);
}
