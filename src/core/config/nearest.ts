/**
 * "Did you mean": the known word nearest to one that is not known. Must never import anything.
 */

/** Null when none is near. Upper and lower case count as the same; a word that begins like a longer one is near it. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const asked = word.toLowerCase();
  if (asked.length < 2 || asked.length > 64) return null;
  let best: string | null = null;
  let bestScore = Math.max(1, Math.floor(asked.length / 3)) + 0.9;
  let looked = 0;
  for (const candidate of known) {
    looked += 1;
    if (looked > CANDIDATES_MAX) break;
    const score = distance(asked, candidate.toLowerCase(), bestScore);
    if (score < bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

/** The sentence for a diagnostic, or null. */
export function didYouMean(word: string, known: Iterable<string>): string | null {
  const found = nearest(word, known);
  return found === null ? null : `did you mean "${found}"?`;
}

/** What one character too many at the end of the candidate costs, as people abbreviate more than they mistype. */
const TAIL_COST = 0.05;
const PREFIX_MIN = 4;

/** Of a list that no one typed only the beginning is looked at. */
const CANDIDATES_MAX = 1_000;

const CHARS_MAX = 64;

/** Three rows of the table, used again for each pair: a file may ask for a hundred thousand of them. */
let before = new Int32Array(CHARS_MAX + 1);
let last = new Int32Array(CHARS_MAX + 1);
let row = new Int32Array(CHARS_MAX + 1);

/**
 * Edits (insert, delete, replace, swap neighbours) from `word` to the candidate, or cheaper to a beginning of it.
 * Infinity as soon as it is known to be `limit` or more.
 */
function distance(word: string, candidate: string, limit: number): number {
  if (candidate.length > CHARS_MAX) return Number.POSITIVE_INFINITY;
  for (let j = 0; j <= candidate.length; j += 1) last[j] = j;
  let lastLeast = 0;
  for (let i = 1; i <= word.length; i += 1) {
    const least = nextRow(word, candidate, i);
    // a swap of neighbours reaches back two rows
    if (least >= limit && lastLeast >= limit) return Number.POSITIVE_INFINITY;
    lastLeast = least;
    [before, last, row] = [last, row, before];
  }
  let best = last[candidate.length] ?? Number.POSITIVE_INFINITY;
  if (word.length < PREFIX_MIN) return best;
  for (let j = PREFIX_MIN; j < candidate.length; j += 1) {
    best = Math.min(best, (last[j] ?? 0) + (candidate.length - j) * TAIL_COST);
  }
  return best;
}

/** Fills `row` from the two before it and returns the least of it. */
function nextRow(word: string, candidate: string, i: number): number {
  const char = word.charCodeAt(i - 1);
  row[0] = i;
  let least = i;
  for (let j = 1; j <= candidate.length; j += 1) {
    const replaced = (last[j - 1] ?? 0) + (char === candidate.charCodeAt(j - 1) ? 0 : 1);
    let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
    if (
      i > 1 &&
      j > 1 &&
      char === candidate.charCodeAt(j - 2) &&
      word.charCodeAt(i - 2) === candidate.charCodeAt(j - 1)
    ) {
      cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
    }
    row[j] = cost;
    if (cost < least) least = cost;
  }
  return least;
}
