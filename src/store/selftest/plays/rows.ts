/** Rows behind the last checkpoint are changed: what stands against it are the hashes and the links alone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { placedIn, rewritten, rowAfter } from '../../../core/attacks/forge';
import { SEQ } from '../../../core/attacks/scratch';
import type { Plays, Scratch } from '../scratch';

const ROW = SEQ.run4Probe;

export const ROW_PLAYS = {
  'edit-byte': (scratch) => scratch.changeLine(ROW, (line) => line.replace('green', 'greem')),
  'edit-and-rehash': (scratch) =>
    scratch.changeLine(ROW, (line) => rewritten(line, (text) => text.replace('green', 'amber'))),
  'payload-exchanged': (scratch) =>
    scratch.changeLine(SEQ.last, (line) => {
      const payload = `"payload":{"n":2},"content_hash":"${placedIn(line).hash}"`;
      return rewritten(line, (text) => text.replace('"nonce"', `${payload},"nonce"`));
    }),
  'delete-row': (scratch) => scratch.writeLines(scratch.lines().filter((_, i) => i !== ROW - 1)),
  'swap-rows': (scratch) => {
    const lines = scratch.lines();
    const [one, other] = lines.slice(ROW - 1) as [string, string];
    scratch.writeLines([...lines.slice(0, ROW - 1), other, one, ...lines.slice(ROW + 1)]);
  },
  'insert-row': (scratch) => {
    const lines = scratch.lines();
    const forged = rowAfter(lines[ROW - 1] as string, '"action":"approval.quick"');
    scratch.writeLines([...lines.slice(0, ROW), forged, ...lines.slice(ROW)]);
  },
  'replay-row': (scratch) => scratch.writeLines([...scratch.lines(), scratch.lines()[SEQ.run3Tool - 1] as string]),
  'member-behind-hash': (scratch) => scratch.changeLine(ROW, (line) => `${line.slice(0, -1)},"outcome":"success"}`),
  'duplicate-key': (scratch) =>
    scratch.changeLine(ROW, (line) => line.replace('"agent":"coder"', '"agent":"mallory","agent":"coder"')),
  'number-spelling': (scratch) => scratch.changeLine(ROW, (line) => line.replace('{"n":1}', '{"n":1.0}')),
  'invalid-utf-8': (scratch) => changeBytes(scratch, Buffer.from('\uFFFD'), Buffer.from([0xff])),
  'white-space': (scratch) => scratch.changeLine(ROW, (line) => line.replace('{"seq":', '{ "seq":')),
} as const satisfies Plays;

/** Text would be read as UTF-8, and come out mended. */
function changeBytes(scratch: Scratch, from: Buffer, to: Buffer): void {
  const path = scratch.path('state', 'audit.jsonl');
  const bytes = readFileSync(path);
  const at = bytes.indexOf(from);
  writeFileSync(path, Buffer.concat([bytes.subarray(0, at), to, bytes.subarray(at + from.length)]));
}
