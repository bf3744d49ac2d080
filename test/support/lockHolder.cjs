/**
 * Holds the kernel lock of a ledger: an OFD write lock on the whole of the file that argv names. Says "held" when it has
 * it, and lets go when its standard input ends or it dies.
 */
const fs = require('node:fs');
const { tryLock } = require('fs-native-extensions');

const fd = fs.openSync(process.argv[2], fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
if (!tryLock(fd, 0, 0, { shared: false })) {
  process.stderr.write('somebody else holds it\n');
  process.exitCode = 1;
} else {
  process.stdout.write('held\n');
  process.stdin.resume();
  process.stdin.on('end', () => fs.closeSync(fd));
}
