/** The list of proofs as a bundle's file has it: it is read as it was written, or not at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHashText, listText, pathText, proofsAt } from '../../../src/core/bundle/inclusion';
import { treeOf } from '../../support/bundles';

/** 13 leaves: paths of neighbours meet at every level, and at the edge they are shorter. */
const tree = treeOf(Array.from({ length: 13 }, (_, i) => `${String(i).padStart(64, '0')}"}`));

const textOf = (indexes: readonly number[]): string =>
  listText(
    indexes.map((index) => ({
      path: pathText(tree.pathOf(index).map((hash) => hash.toString('base64'))),
      index,
      seq: index + 1,
    })),
  );

/** What any reader of JSON makes of the same text; undefined for what is no list of proofs. */
function plainly(text: string): unknown {
  try {
    const value = JSON.parse(text) as { readonly hashes: unknown[]; readonly index: number; readonly seq: number }[];
    if (!value.every(({ hashes }) => hashes.every(isHashText))) return undefined;
    return value.map(({ hashes, index, seq }) => ({ path: JSON.stringify(hashes), index, seq }));
  } catch {
    return undefined;
  }
}

test('any leaves in any order are read as they were written', () => {
  for (const indexes of [[0], [0, 1], [0, 12], [12, 0], [5, 5], [11, 12], [7, 8], [2, 9, 4, 12, 12, 1]]) {
    const text = textOf(indexes);
    const read = proofsAt(`x${text}y`, 1);
    assert.deepEqual(read?.proofs, plainly(text), String(indexes));
    assert.equal(read?.end, 1 + text.length);
  }
});

test('with any character changed, added or left out it says the same thing as to every other reader, or nothing', () => {
  let [taken, refused] = [0, 0];
  for (const indexes of [
    [2, 3],
    [4, 6, 7],
    [8, 12],
  ]) {
    const text = textOf(indexes);
    for (let at = 0; at < text.length; at++) {
      for (const put of ['', 'A', '9', '"', ',', ']', '[', ' ', '=', '-', '\\', text[at] ?? '']) {
        for (const width of [0, 1]) {
          const changed = text.slice(0, at) + put + text.slice(at + width);
          const read = proofsAt(changed, 0);
          if (read?.end !== changed.length) {
            refused++;
            continue;
          }
          taken++;
          assert.deepEqual(read.proofs, plainly(changed), changed);
        }
      }
    }
  }
  assert.ok(taken > 1000 && refused > 10_000, `${taken} taken, ${refused} refused`);
});
