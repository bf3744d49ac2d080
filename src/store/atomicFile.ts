/** Replacing a small file whole: a reader, and a power cut, finds the old text or the new one. The home of write-file-atomic. */

/**
 * Writes the text under a temporary name beside it, syncs and renames. Throws the system's error.
 * @param mode who may read it
 */
export async function replaceFile(path: string, text: string | Buffer, mode = 0o600): Promise<void> {
  // Loaded here: an append reads files of this kind and never writes them.
  const { default: writeFileAtomic } = await import('write-file-atomic');
  await writeFileAtomic(path, text, { mode });
}
