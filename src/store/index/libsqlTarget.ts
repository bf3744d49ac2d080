/**
 * Stands in the bundle for two small packages that libsql asks which of its binaries fits (`@neon-rs/load` and
 * `detect-libc`; build.mjs maps them here). They read a diagnostic report of the whole process, 12 ms; the answer is
 * had for nothing by loading the binary for glibc, which musl cannot load.
 */

export const GLIBC = 'glibc';
export const MUSL = 'musl';

/** Only asked for where `currentTarget` may be wrong; it is not. */
export function familySync(): null {
  return null;
}

/** The name of the binary package for this machine, `linux-x64-gnu` for instance. */
export function currentTarget(): string {
  const { platform, arch } = process;
  if (platform === 'darwin') return `darwin-${arch}`;
  if (platform === 'win32') return `win32-${arch}-msvc`;
  const suffix = arch === 'arm' ? 'eabihf' : '';
  const glibc = `linux-${arch}-gnu${suffix}`;
  return loads(`@libsql/${glibc}`) ? glibc : `linux-${arch}-musl${suffix}`;
}

/** libsql's way to a locally built binary; there is none in a bundle. */
export function load(): null {
  return null;
}

function loads(name: string): boolean {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a native library, found by name
    require(name);
    return true;
  } catch {
    return false;
  }
}
