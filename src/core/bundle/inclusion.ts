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

/** 32 bytes in base64, in their one spelling: two bits of the last character say nothing. A count of 42 takes twice as long. */
const HASH = `${'[A-Za-z0-9+/]'.repeat(42)}[AEIMQUYcgkosw048]=`;
const COUNT = '(0|[1-9][0-9]{0,14})';
const PROOF = new RegExp(`\\{"hashes":(\\[(?:"${HASH}"(?:,"${HASH}")*)?\\]),"index":${COUNT},"seq":${COUNT}\\}`, 'y');

export const isHashText = (value: unknown): boolean => typeof value === 'string' && WHOLE_HASH.test(value);
const WHOLE_HASH = new RegExp(`^${HASH}$`);

export function pathText(hashes: readonly string[]): string {
  return JSON.stringify(hashes);
}

/** As it stands in a bundle; members in canonical order. */
export function proofText({ path, index, seq }: Inclusion): string {
  return `{"hashes":${path},"index":${index},"seq":${seq}}`;
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
    PROOF.lastIndex = from;
    const found = PROOF.exec(text);
    if (found === null) return undefined;
    const [, path = '', index, seq] = found;
    proofs.push({ path, index: Number(index), seq: Number(seq) });
    from = PROOF.lastIndex;
    if (text[from] === ']') return { proofs, end: from + 1 };
    if (text[from] !== ',') return undefined;
  }
}
