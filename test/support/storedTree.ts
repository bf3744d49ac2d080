/** A stored tree that a test has in memory. */
import { placeOf } from '../../src/core/tree/storedTree';
import type { ReadHash } from '../../src/core/tree/storedTree';
import { HASH_BYTES } from '../../src/core/tree/merkle';

export function readerOf(stored: Buffer): ReadHash {
  return (level, index) => {
    const from = placeOf(level, index) * HASH_BYTES;
    return stored.subarray(from, from + HASH_BYTES);
  };
}
