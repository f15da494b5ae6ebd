/**
 * One text of the configuration and where things stand in it. Offsets are those of the text as the user wrote it, so
 * that no place ever shows what an environment variable was replaced with.
 * Must never read a file.
 */

export interface SourceText {
  /** As the user named it. */
  file: string;
  text: string;
  /** Offset of the first character of each line. */
  lineStarts: number[];
}

/** A stretch of a text; `end` is exclusive. */
export interface Place {
  source: SourceText;
  start: number;
  end: number;
}

/** A place as people count: lines and columns from 1. `length` never reaches past the end of the line. */
export interface Spot {
  line: number;
  column: number;
  length: number;
  /** The line, without its newline. */
  text: string;
}

/** A byte order mark is dropped. */
export function sourceText(file: string, raw: string): SourceText {
  const text = raw.startsWith('\uFEFF') ? raw.slice(1) : raw;
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

export function spotOf(place: Place): Spot {
  const { text, lineStarts } = place.source;
  const start = Math.min(Math.max(place.start, 0), text.length);
  const index = lineIndex(lineStarts, start);
  const lineStart = lineStarts[index] ?? 0;
  const next = lineStarts[index + 1];
  const line = text.slice(lineStart, next === undefined ? text.length : next - 1).replace(/\r$/, '');
  const column = start - lineStart + 1;
  const lastColumn = Math.max(column, Math.min(place.end - lineStart, line.length));
  return { line: index + 1, column, length: lastColumn - column + 1, text: line };
}

/** The line that an offset lies in, counted from 0. */
function lineIndex(lineStarts: number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A narrower place: where `words` first stands inside the given one, or that place itself when it does not. */
export function placeOfWords(place: Place, words: string): Place {
  const start = place.source.text.indexOf(words, place.start);
  return start === -1 || start >= place.end ? place : { source: place.source, start, end: start + words.length };
}
