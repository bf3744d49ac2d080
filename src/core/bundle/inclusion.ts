/**
 * The proof that an event stands in the tree. A thousand rows of a large ledger come with twenty thousand hashes: a string
 * for each would take longer to make than all that is checked of them, so a path stays the text that it is.
 *
 *   {"hashes":["<base64>",…],"index":1,"seq":2}
 */

export interface Inclusion {
  /** To the root, from the leaf's sibling on: a JSON list of hashes in base64, as the engine writes it. */
  readonly path: string;
  /** The leaf's place, from 0. */
  readonly index: number;
  readonly seq: number;
}

/** 32 bytes in base64, in their one spelling: two bits of the last character say nothing. */
const HASH = '[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=';
const PATH = new RegExp(`^\\[(?:"${HASH}"(?:,"${HASH}")*)?\\]$`);
const PATH_BEGINNING = new RegExp(`^\\[(?:"${HASH}",)*$`);
const COUNT = '(0|[1-9][0-9]{0,14})';
const PLACE = new RegExp(`,"index":${COUNT},"seq":${COUNT}\\}`, 'y');
const BEGINNING = '{"hashes":';

/** Where the hashes of a path stand in its text, `["<44 characters>","…"]`. */
export const [FIRST_AT, HASH_CHARS, BETWEEN] = [2, 44, 3];

export const isHashText = (value: unknown): boolean => typeof value === 'string' && WHOLE_HASH.test(value);
const WHOLE_HASH = new RegExp(`^${HASH}$`);

export function pathText(hashes: readonly string[]): string {
  return JSON.stringify(hashes);
}

/** As it stands in a bundle; members in canonical order. */
export function proofText({ path, index, seq }: Inclusion): string {
  return `${BEGINNING}${path},"index":${index},"seq":${seq}}`;
}

export function listText(proofs: readonly Inclusion[]): string {
  return `[${proofs.map(proofText).join(',')}]`;
}

export interface ListedProofs {
  readonly proofs: readonly Inclusion[];
  /** Where the text goes on behind the list. */
  readonly end: number;
}

/** What `listText` wrote, at a place in a text; undefined for any other spelling, and for a list of none. */
export function proofsAt(text: string, at: number): ListedProofs | undefined {
  if (text[at] !== '[') return undefined;
  const proofs: Inclusion[] = [];
  for (let from = at + 1; ; from++) {
    const pathAt = from + BEGINNING.length;
    const pathEnd = text.indexOf(']', from) + 1;
    PLACE.lastIndex = pathEnd;
    const place = PLACE.exec(text);
    if (place === null || !text.startsWith(BEGINNING, from)) return undefined;
    const proof = { path: text.slice(pathAt, pathEnd), index: Number(place[1]), seq: Number(place[2]) };
    if (!isWellFormed(proof, proofs.at(-1))) return undefined;
    proofs.push(proof);
    from = PLACE.lastIndex;
    if (text[from] === ']') return { proofs, end: from + 1 };
    if (text[from] !== ',') return undefined;
  }
}

/**
 * The paths of two leaves are the same from where they meet on: of most, a quarter is new.
 * @param before one that is well-formed
 */
function isWellFormed({ path, index }: Inclusion, before: Inclusion | undefined): boolean {
  if (before === undefined) return PATH.test(path);
  const levelsApart = 32 - Math.clz32(index ^ before.index);
  const newEnd = FIRST_AT - 1 + levelsApart * (HASH_CHARS + BETWEEN);
  // Wherever they do not meet there, as at the edge of the tree, nothing is taken for known.
  const isKnown = path.length === before.path.length && path.slice(newEnd) === before.path.slice(newEnd);
  return newEnd < path.length && isKnown ? PATH_BEGINNING.test(path.slice(0, newEnd)) : PATH.test(path);
}
