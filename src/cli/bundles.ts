/**
 * Loads a bundle together with the code that the engine compiled for it before: a quarter of what an append adds to
 * Node's own start. Node 22 and later keep such code themselves; for Node 20 it is kept here.
 *
 * It lies beside the bundles and never in a shared folder: compiled code is code, and only who may change the program may
 * say what it runs. Where that folder cannot be written (root installed it, say) nothing is kept, and nothing is said.
 */
import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { orNothing } from '../core/errors';
import { EXIT } from './exit';

type WithCompileCache = typeof module & { readonly enableCompileCache?: (folder: string) => unknown };
type Wrapped = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

const DIGEST_BYTES = 32;

/**
 * @param path of the bundle, absolute
 * @param use what it is loaded for: every use needs other functions, so each has a file of its own
 */
export function loadBundle(path: string, use: string): void {
  const folder = join(dirname(path), 'compiled');
  const { enableCompileCache } = module as WithCompileCache;
  if (enableCompileCache === undefined) {
    runCompiled(path, join(folder, `${use}-${process.version}-${process.arch}`));
  } else {
    // It must be on before the rest is loaded.
    enableCompileCache(folder);
    module.createRequire(path)(path);
  }
}

function runCompiled(path: string, kept: string): void {
  const source = readFileSync(path);
  const cachedData = readKept(kept, source);
  const script = new Script(module.wrap(textOf(source)), { filename: path, ...(cachedData && { cachedData }) });
  if (cachedData === undefined || script.cachedDataRejected === true) {
    // At the end: by then the functions that this use needs are compiled too, if it came to anything.
    process.once('exit', (code) => {
      if (code === EXIT.ok || code === EXIT.scoped) orNothing(() => keep(kept, source, script.createCachedData()));
    });
  }
  const main = { exports: {} };
  const run = script.runInThisContext() as Wrapped;
  run.call(main.exports, main.exports, module.createRequire(path), main, path, dirname(path));
}

/** Bundles are ASCII alone: then the same text takes a quarter of the time. */
function textOf(source: Buffer): string {
  return isAscii(source) ? source.toString('latin1') : source.toString();
}

/**
 * What was kept for this very source, whole. The engine compares no more than the source's length, and a compiled function
 * with a changed byte in it ends the process: so both are held against a digest, in a third of a millisecond.
 */
function readKept(path: string, source: Buffer): Buffer | undefined {
  const kept = orNothing(() => readFileSync(path));
  if (kept === undefined) return undefined;
  const compiled = kept.subarray(DIGEST_BYTES);
  return digestOf(source, compiled).equals(kept.subarray(0, DIGEST_BYTES)) ? compiled : undefined;
}

/** Whole or not at all, whoever else starts now. */
function keep(path: string, source: Buffer, compiled: Buffer): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, Buffer.concat([digestOf(source, compiled), compiled]), { mode: 0o644, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    // A full disk: every start would leave one more. What a killed process with this number left goes, too.
    rmSync(temporary, { force: true });
    throw error;
  }
}

function digestOf(source: Buffer, compiled: Buffer): Buffer {
  return createHash('sha256').update(source).update(compiled).digest();
}
