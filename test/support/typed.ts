/** What is typed at a shell, in tests: the surroundings in which it runs, and names for what differs from run to run. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER } from './process';

/** A home of its own below `root`, with `ledger` on the PATH, in UTC; nothing of the tester's own settings. */
export function typingEnvironment(root: string): NodeJS.ProcessEnv {
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'ledger'), `#!/bin/sh\nexec '${process.execPath}' '${LEDGER}' "$@"\n`);
  chmodSync(join(bin, 'ledger'), 0o755);
  const home = join(root, 'user');
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: home, XDG_STATE_HOME: home, TZ: 'UTC', LANG: 'C.UTF-8' };
}

/** Names such as <hash2>: the same value has the same number as long as these hold. */
export class NumberedNames {
  readonly #known = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  of(kind: string, value: string): string {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    this.#known.set(value, `<${kind}${count}>`);
    return `<${kind}${count}>`;
  }

  /** Numbers the hashes and ids of a text; 64 zeros are the hash of nothing. */
  in(text: string): string {
    return text
      .replace(/\b[0-9a-f]{64}\b/g, (hash) => (/^0+$/.test(hash) ? hash : this.of('hash', hash)))
      .replace(/\b0[0-9A-HJKMNP-TV-Z]{25}\b/g, (id) => this.of('id', id));
  }
}
