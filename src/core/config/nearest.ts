/**
 * "Did you mean": the known word nearest to one that is not known. Must never import anything.
 */

/** Null when none is near. Upper and lower case count as the same; a word that begins like a longer one is near it. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const asked = word.toLowerCase();
  if (asked.length < 2 || asked.length > 64) return null;
  let best: string | null = null;
  let bestScore = Math.max(1, Math.floor(asked.length / 3)) + 0.9;
  for (const candidate of known) {
    const score = distance(asked, candidate.toLowerCase());
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

/** Edits (insert, delete, replace, swap neighbours) from `word` to the candidate, or cheaper to a beginning of it. */
function distance(word: string, candidate: string): number {
  if (candidate.length > 64) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let last = Array.from({ length: candidate.length + 1 }, (_, i) => i);
  for (let i = 1; i <= word.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= candidate.length; j += 1) {
      const same = word[i - 1] === candidate[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && word[i - 1] === candidate[j - 2] && word[i - 2] === candidate[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    before = last;
    last = row;
  }
  const whole = last[candidate.length] ?? Number.POSITIVE_INFINITY;
  if (word.length < PREFIX_MIN) return whole;
  const beginnings = last.map((cost, j) => (j < PREFIX_MIN ? whole : cost + (candidate.length - j) * TAIL_COST));
  return Math.min(whole, ...beginnings);
}
