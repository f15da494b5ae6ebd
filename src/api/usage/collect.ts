/**
 * Keeps, while an answer streams by, the few chunks in which its usage will be found at the end. Per chunk it costs two
 * native searches; only what has a hit is kept, by reference. Nothing is parsed here: a parser per chunk costs 13 % of
 * the delay of every stream.
 * Must never change, copy or hold back a chunk in the usual case, and never keep more than its bound.
 */
import { LIMITS } from '../../core/limits.ts';

const USAGE = '"usage"';
const TIMINGS = '"timings"';
const LF = 0x0a;
const CR = 0x0d;

export type Evidence =
  /** Whole lines of an event stream: the first that has usage, the last, and the last that has timings. */
  | { kind: 'stream'; first: Buffer | null; lastUsage: Buffer | null; lastTimings: Buffer | null }
  /** The end of a plain answer; `whole` when it is all of it. */
  | { kind: 'plain'; chunks: readonly Buffer[]; whole: boolean };

export interface Collector {
  add(chunk: Buffer): void;
  evidence(): Evidence;
}

/**
 * For an event stream. A chunk that does not end a line is kept until the line is complete and then searched together
 * with it, so that no split hides a hit.
 */
export function collectStream(boundBytes: number = LIMITS.usageTailBytesMax): Collector {
  let first: Buffer | null = null;
  let lastUsage: Buffer | null = null;
  let lastTimings: Buffer | null = null;
  /** The unfinished line, in pieces. */
  let open: Buffer[] = [];
  let openBytes = 0;
  /** The unfinished line is longer than the bound: it is not searched. */
  let overlong = false;

  function search(lines: Buffer): void {
    if (lines.includes(USAGE) && hasObject(lines, USAGE)) {
      first ??= lines;
      lastUsage = lines;
    }
    if (lines.includes(TIMINGS) && hasObject(lines, TIMINGS)) lastTimings = lines;
  }

  function keepOpen(chunk: Buffer): void {
    openBytes += chunk.length;
    if (openBytes > boundBytes) {
      overlong = true;
      open = [];
    } else if (!overlong) {
      open.push(chunk);
    }
  }

  function endLine(chunk: Buffer): void {
    const end = lastLineEnd(chunk);
    if (end === 0) {
      keepOpen(chunk);
      return;
    }
    if (overlong) search(chunk.subarray(firstLineEnd(chunk), end));
    else if (open.length === 0) search(end === chunk.length ? chunk : chunk.subarray(0, end));
    else search(Buffer.concat([...open, chunk.subarray(0, end)]));
    open = [];
    openBytes = 0;
    overlong = false;
    if (end < chunk.length) keepOpen(chunk.subarray(end));
  }

  return {
    add(chunk) {
      const last = chunk[chunk.length - 1];
      if (openBytes === 0 && (last === LF || last === CR)) search(chunk);
      else if (chunk.length > 0) endLine(chunk);
    },
    evidence() {
      // an upstream may end its stream without ending the last line
      if (open.length > 0) search(Buffer.concat(open));
      open = [];
      openBytes = 0;
      return { kind: 'stream', first, lastUsage, lastTimings };
    },
  };
}

/** For a plain JSON answer: keeps the last chunks within the bound. */
export function collectPlain(boundBytes: number = LIMITS.usageTailBytesMax): Collector {
  const chunks: Buffer[] = [];
  let from = 0;
  let bytes = 0;
  return {
    add(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      while (bytes > boundBytes && from < chunks.length - 1) {
        bytes -= chunks[from]!.length;
        chunks[from++] = EMPTY;
      }
    },
    evidence: () => ({ kind: 'plain', chunks: chunks.slice(from), whole: from === 0 }),
  };
}

const EMPTY = Buffer.alloc(0);

/** True when the marker is somewhere followed by an object; servers send `"usage":null` with every chunk. */
function hasObject(lines: Buffer, marker: string): boolean {
  for (let at = lines.indexOf(marker); at >= 0; at = lines.indexOf(marker, at + 1)) {
    if (objectAfter(lines, at + marker.length) >= 0) return true;
  }
  return false;
}

/** Offset of the `{` that follows `:` here, or -1. */
export function objectAfter(bytes: Buffer, from: number): number {
  let at = from;
  let colon = false;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x3a && !colon) colon = true;
    else if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return colon && bytes[at] === 0x7b ? at : -1;
}

/** Offset behind the last line end, 0 when there is none. */
function lastLineEnd(chunk: Buffer): number {
  return Math.max(chunk.lastIndexOf(LF), chunk.lastIndexOf(CR)) + 1;
}

function firstLineEnd(chunk: Buffer): number {
  const lf = chunk.indexOf(LF);
  const cr = chunk.indexOf(CR);
  return (lf < 0 || (cr >= 0 && cr < lf) ? cr : lf) + 1;
}
