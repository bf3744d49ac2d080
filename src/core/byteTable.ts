/** Tables of all bytes, made by what is in them and not by asking for each: every start of the program makes a few. */

/** 1 for the bytes of these ASCII characters, 0 for any other. */
export function bytesIn(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1;
  return table;
}
