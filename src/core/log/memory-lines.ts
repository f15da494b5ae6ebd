/**
 * The lines of a log in memory, oldest first, bounded in number. All but the newest lie packed outside the garbage
 * collector's heap: as strings they would be walked and copied by it while they are young, which at full load stops
 * everything for 15 ms at a time.
 * Must never look into a line.
 */
import { LINE_END } from './codec.ts';

export interface MemoryLines {
  add(line: string): void;
  /** In order, or newest first. Lines added while it runs may be left out. */
  all(reverse: boolean): Generator<string>;
}

/** So many lines are packed at a time. */
const PACK_LINES = 256;

/**
 * Keeps the newest `linesMax`, and while it drops the older ones in packs, a few fewer. `onDropped` is given each line that
 * goes, in order.
 */
export function createMemoryLines(linesMax: number, onDropped: (line: string) => void = () => {}): MemoryLines {
  const packLines = Math.max(1, Math.min(PACK_LINES, Math.floor(linesMax / 10)));
  let packs: Buffer[] = [];
  let newest: string[] = [];

  /** One pack at a time: whoever folds what goes must not hold up everything for long. */
  function dropOldest(): void {
    if (packs.length * packLines + newest.length <= linesMax) return;
    const [oldest, ...rest] = packs;
    packs = rest;
    for (const line of oldest?.toString('utf8').split(LINE_END) ?? []) onDropped(line);
  }

  return {
    add(line) {
      newest.push(line);
      if (newest.length >= packLines) {
        packs.push(Buffer.from(newest.join(LINE_END), 'utf8'));
        newest = [];
      }
      dropOldest();
    },
    *all(reverse) {
      const [older, newer] = [packs, newest];
      const ordered = (lines: readonly string[]) => (reverse ? lines.toReversed() : lines);
      if (reverse) yield* ordered(newer);
      for (let index = 0; index < older.length; index += 1) {
        const pack = older[reverse ? older.length - 1 - index : index];
        if (pack !== undefined) yield* ordered(pack.toString('utf8').split(LINE_END));
      }
      if (!reverse) yield* newer;
    },
  };
}
