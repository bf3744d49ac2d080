/**
 * Holds the portable lock of the ledger in the folder that argv names. Says "held" when it has it, and ends without a
 * release when its standard input does.
 */
import { nodeHost } from '../../src/store/machine/nodeHost';
import { loadPortableLock, tryPortableLock } from '../../src/store/lock/portableLock';
import { testPaths } from './ledgers';

void loadPortableLock().then((library) => {
  const host = nodeHost();
  const held = tryPortableLock(library, testPaths(process.argv[2] ?? '').ledger, () => host.monotonicMs());
  process.stdout.write(held === undefined ? 'somebody else holds it\n' : 'held\n');
  // At once: the library would notice at its next turn that the folder is another's.
  process.stdin.on('end', () => process.exit());
  process.stdin.resume();
});
