/** A program that answers each line on its input with a short one: the least that asking another process can cost. */
import { writeSync } from 'node:fs';

const ANSWER = `${'x'.repeat(100)}\n`;

process.stdin.on('data', (chunk: Buffer) => {
  if (chunk.at(-1) === 0x0a) writeSync(1, ANSWER);
});
