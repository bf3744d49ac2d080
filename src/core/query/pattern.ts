/**
 * Regular expressions that cannot hang: RE2's syntax and its time, which grows with the text and never beyond. The home
 * of re2js.
 *
 *   timeout|refused     ^status=\w+     (?i)error
 *
 * What needs backtracking (back-references, look-around) is refused when it is compiled.
 */
import { RE2JS, RE2JSException } from 're2js';
import { LedgerError } from '../errors';

export interface Pattern {
  /** Whether it is found anywhere in the text. */
  readonly test: (text: string) => boolean;
}

/** @throws LedgerError USAGE */
export function compilePattern(text: string): Pattern {
  try {
    const compiled = RE2JS.compile(text);
    return { test: (value) => compiled.test(value) };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new LedgerError('USAGE', `expected a regular expression, found ${JSON.stringify(text)}: ${error.message}`, {
      hint: 'the syntax is that of RE2: no back-references and no look-around; (?i) ignores case',
      cause: error,
    });
  }
}
