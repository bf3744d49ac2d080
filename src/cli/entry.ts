/**
 * The shipped program: turns on the compile cache (Node 22 and later; it must be on before the rest is loaded) and loads
 * one of two bundles. An append is what scripts wait for, so it has a small one of its own.
 */
import module from 'node:module';
import { commandName } from './options';

type WithCompileCache = typeof module & { readonly enableCompileCache?: () => unknown };

(module as WithCompileCache).enableCompileCache?.();

void (commandName(process.argv.slice(2)) === 'append' ? import('./onlyAppend') : import('./allCommands'));
