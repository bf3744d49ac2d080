/**
 * Whether a text may hold a secret at all: a quick look, for the detector takes a hundred times as long to start as a row
 * takes to be stored. What the detector finds in the shapes that issuers give out, this lets through to it
 * (test/core/secretScan.test.ts holds the two together).
 *
 *   "…","run_id":"01JA6V3T5YQ8R2N4X7Z9B1C3D5","sha256":"ab04…"   long runs, and nothing in them is how a token begins
 *   "…","note":"pushed with <ghp_ and 36 characters>"             looked into
 */

/** No token is shorter: `vcp_` and 20 characters. */
const SHORTEST = 24;
/** An AWS key is known by its name alone, which stands at most this far before it. */
const AWS_KEY = 40;
const NAME_BEFORE = 64;

/** The fixed part that a token begins with, from its last character on: few texts have that one, and most of them no other. */
const BEGINNING = [
  '(?<=(?:gh[oprsu]|github_pat|shp(?:at|ca|pa|ss)|[rs]k_(?:live|test)|gl(?:c|sa)|gsk|lin_api|ntn|vc[aciprk]|dckr_pat|figd|cf(?:k|at|ut))_)',
  '(?<=(?:xox[abopr]|xapp|glpat|sk-ant|tskey)-)',
  String.raw`(?<=(?:SG|hv[brs])\.)`,
  // These end like words of names: devops_, npm_.
  String.raw`(?<=npm_)\w{36}`,
  '(?<=hf_)[A-Za-z]{34}',
  '(?<=ops_)ey',
].join('|');
const TOKEN = new RegExp(
  [
    `[-_.](?:${BEGINNING})`,
    'T3BlbkFJ',
    'dapi[0-9A-Fa-f]{32}',
    String.raw`[sS][lL][aA][cC][kK]\.[cC][oO][mM]/`,
    '[sS][eE][cC][rR][eE][tT]_?[aA][cC][cC][eE][sS][sS]_?[kK][eE][yY]',
  ].join('|'),
);
/** A part of a JSON text, where a quote and a backslash stand behind another one. */
const URL_WITH_PASSWORD = /:\/\/(?:[^:/\s"\\]|\\.)+:(?:[^@/\s"\\]|\\.)+@|:x-oauth-basic@/;

const NEVER = 0;
const PLAIN = 1;
/** Ids of the usual kinds and hashes have none of these; a token has one in its fixed part, an AWS key but for one in millions. */
const TELLING = 3;
const KINDS = new Uint8Array(128);
for (const unit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0123456789-_+/=') KINDS[unit.charCodeAt(0)] = PLAIN;
for (const unit of 'ghijklmnopqrstuvwxyz.') KINDS[unit.charCodeAt(0)] = TELLING;

/** @param text of a row as JSON, where characters that can be in a token stand as they are */
export function mayHoldSecret(text: string): boolean {
  if (text.includes('PRIVAT')) return true;
  if (text.includes('@') && URL_WITH_PASSWORD.test(text)) return true;
  return hasTokenLikeRun(text);
}

/** A run of token characters covers each 24th place at least once, so the places between are mostly not looked at. */
function hasTokenLikeRun(text: string): boolean {
  let place = SHORTEST - 1;
  while (place < text.length) {
    let seen = NEVER;
    let at = place;
    const before = place - SHORTEST;
    for (let kind = kindAt(text, at); at > before && kind !== NEVER; kind = kindAt(text, at)) {
      seen |= kind;
      at--;
    }
    if (at > before) {
      place = at + SHORTEST;
      continue;
    }
    let end = place + 1;
    for (let kind = kindAt(text, end); kind !== NEVER; kind = kindAt(text, end)) {
      seen |= kind;
      end++;
    }
    if (seen === TELLING && isTokenLike(text, at + 1, end)) return true;
    place = end + SHORTEST;
  }
  return false;
}

function kindAt(text: string, at: number): number {
  // Also past either end of the text: NaN is not below 128.
  const unit = text.charCodeAt(at);
  return unit < 128 ? (KINDS[unit] as number) : NEVER;
}

function isTokenLike(text: string, from: number, to: number): boolean {
  const start = to - from < AWS_KEY ? from : Math.max(0, from - NAME_BEFORE);
  return TOKEN.test(text.slice(start, to));
}
