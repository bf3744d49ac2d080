/** Holds what was seen of an attack against what must be seen: the code at its row, nothing else, in every mode. */
import { codeText } from './attack';
import type { FindingPlace } from '../verdict';
import type { Attack } from './attack';

/** What one way of asking showed. */
export interface Seen {
  /** Null where it did not end by itself. */
  readonly exit: number | null;
  /** What was printed, answer and talk. */
  readonly text: string;
}

/** What `--json` names: a finding, or why there was no answer. */
export interface FoundCode {
  readonly code: string;
  readonly row: number | null;
  /** Where it stands in a file, where it is said. */
  readonly place?: FindingPlace | null;
  /** The words of a refusal: in prose it has no code. */
  readonly message?: string;
}

export interface Look {
  readonly json: Seen & { readonly codes: readonly FoundCode[] };
  readonly prose: Seen;
  readonly quiet: Seen;
}

/** What of it is not as it must be. */
export function lookFaults(look: Look, attack: Attack): string[] {
  const { json, prose, quiet } = look;
  const words = attack.words === undefined ? [] : [attack.words];
  const shown = [...shownOf(attack, json.codes), ...words];
  return [
    ...exitFaults(look, attack.exit),
    ...codeFaults(json.codes, attack),
    ...missing(words, json, 'JSON'),
    ...missing(shown, prose, 'prose'),
    ...(attack.exit === 0 ? silenceFaults(quiet) : missing(shown, quiet, 'quiet mode')),
  ];
}

function exitFaults(look: Look, want: number): string[] {
  const modes = ['json', 'prose', 'quiet'] as const;
  return modes.flatMap((mode) => {
    const { exit } = look[mode];
    return exit === want ? [] : [`expected exit ${want} in ${mode} mode, found ${exit ?? 'none'}`];
  });
}

/** The code at its row, and no code that may not be told beside it. */
function codeFaults(found: readonly FoundCode[], { code, row, also = [] }: Attack): string[] {
  const isThere = code === null || found.some((one) => one.code === code && one.row === row);
  const allowed: readonly string[] = code === null ? also : [code, ...also];
  if (isThere && found.every((one) => allowed.includes(one.code))) return [];
  const words = found.map((one) => codeText(one)).join(', ') || 'none';
  return [`expected ${codeText({ code, row })}, found ${words}`];
}

/** What must be read in prose: a finding by its code and its row, a refusal by its words. */
function shownOf({ check, code, row }: Attack, found: readonly FoundCode[]): string[] {
  if (code === null) return [];
  const message = found.find((one) => one.code === code)?.message;
  if (message !== undefined) return [message];
  return check === 'governance' && row !== null ? [code, `rows ${row}`] : [codeText({ code, row })];
}

function missing(shown: readonly string[], { text }: Seen, where: string): string[] {
  return shown.flatMap((part) => (text.includes(part) ? [] : [`expected "${part}" in ${where}, found none`]));
}

function silenceFaults({ text }: Seen): string[] {
  return text === '' ? [] : [`expected nothing in quiet mode, found ${text.slice(0, 100)}`];
}
