/**
 * A file within a page. What could end its element, or a line, stands there as `\u003c`, `\u2028`, `\u2029`: spellings that the
 * file itself never has, so that turning them back gives its bytes.
 */
const SPELLED = /(?<!\\)((?:\\\\)*)\\u(003c|2028|2029)/g;

export function restored(text: string): string {
  return text.replace(SPELLED, (_, before: string, code: string) => before + String.fromCharCode(parseInt(code, 16)));
}
