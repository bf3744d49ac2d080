/**
 * The curious reader of a bundle: it holds hashes of rows that are not in it, and of one of them everything is known but
 * what came of it, which is one of five words. With the row's nonce, trying the words finds the row; without it, no try
 * fits, since 128 random bits are in every hash.
 */
import { readFileSync } from 'node:fs';
import { rewritten, placedIn } from '../../core/attacks/forge';
import { HIDDEN_OUTCOMES, SEQ } from '../../core/attacks/scratch';
import { leafHash } from '../../core/tree/merkle';
import type { Scratch } from './scratch';

const NONCE = /"nonce":"[^"]*",/;

/** What went otherwise than it must. */
export function guess(scratch: Scratch): string[] {
  const hidden = scratch.lines()[SEQ.hidden - 1] as string;
  const { inclusion } = JSON.parse(readFileSync(scratch.path('bundle.json'), 'utf8')) as {
    readonly inclusion: readonly { readonly hashes: readonly string[] }[];
  };
  const shown = new Set(inclusion.flatMap(({ hashes }) => hashes));
  const hits = (change: (text: string) => string): number =>
    HIDDEN_OUTCOMES.filter((outcome) => {
      const tried = rewritten(hidden, (text) => change(text.replace(/"outcome":"\w+"/, `"outcome":"${outcome}"`)));
      return shown.has(leafHash(Buffer.from(placedIn(tried).hash, 'hex')).toString('base64'));
    }).length;
  const faults: string[] = [];
  if (hits((text) => text) !== 1)
    faults.push('expected the hash of the hidden row in the bundle, found none that fits');
  for (const nonce of ['', '"nonce":"",', `"nonce":"${'A'.repeat(22)}",`])
    if (hits((text) => text.replace(NONCE, nonce)) > 0)
      faults.push('expected no guess to fit without the nonce, found one');
  return faults;
}
