/**
 * The last lines of a run's output, fit to stand in an event and on a terminal.
 * Must never let a control character through, nor read more than a small end of the file.
 */
import { fstatSync, readSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { LIMITS } from '../../limits.ts';

const WINDOW_BYTES = 256 * 1024;

/** Last `outputTailLines` lines of an open file; blank ones are left out. */
export function readTail(fd: number): string[] {
  const { size } = fstatSync(fd);
  const from = Math.max(0, size - WINDOW_BYTES);
  const buffer = Buffer.alloc(size - from);
  let filled = 0;
  while (filled < buffer.length) {
    const bytes = readSync(fd, buffer, filled, buffer.length - filled, from + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return tailLines(buffer.subarray(0, filled));
}

/** The same for bytes in memory. Invalid UTF-8 becomes U+FFFD; of a line redrawn with `\r` the last drawing counts. */
export function tailLines(bytes: Buffer): string[] {
  const lines: string[] = [];
  const raw = bytes.toString('utf8').split('\n');
  for (let i = raw.length - 1; i >= 0 && lines.length < LIMITS.outputTailLines; i -= 1) {
    const line = cleanLine(raw[i] as string);
    if (line.trim() !== '') lines.unshift(line);
  }
  return lines;
}

function cleanLine(raw: string): string {
  const redrawn = raw.replace(/\r+$/, '');
  const last = redrawn.slice(redrawn.lastIndexOf('\r') + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not pass
  const plain = stripVTControlCharacters(last).replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, '');
  if (plain.length <= LIMITS.outputLineCharsMax) return plain;
  return `${plain.slice(0, LIMITS.outputLineCharsMax - 1).toWellFormed()}…`;
}
