/** Prose cut into lines at spaces. A word that is longer than the line, a path for instance, stays whole. */
import { widthOf } from './table';

export function wrapWords(text: string, width: number): string[] {
  // In a pipe: a thousand lines need not be measured.
  if (width === Infinity) return [text];
  const out: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      out.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...out, line];
}

const MARGIN = 11;

/** A label and its text beside it; what does not fit into the line goes on below the text. */
export function labelled(label: string, text: string, width: number, paint = (part: string): string => part): string {
  const lines = wrapWords(text, Math.max(24, width - MARGIN));
  return lines
    .map((line, i) => `${i === 0 ? paint(label.padEnd(MARGIN - 1)) : ' '.repeat(MARGIN - 1)} ${line}`)
    .join('\n');
}
