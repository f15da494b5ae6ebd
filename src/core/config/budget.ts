/**
 * What one load may use at most, counted down. A few lines of hostile YAML or macros can stand for more values than any
 * machine holds; every place that copies asks here first and stops when it is refused.
 */
import { LIMITS } from '../limits.ts';

export interface Budget {
  /** Pieces of YAML that were read. */
  tokens: number;
  /** Values that came out of anchors and macros. */
  nodes: number;
  /** Characters that came out of macros. */
  chars: number;
  /** The first thing that ran out. */
  exceeded: keyof typeof WHAT | null;
}

const WHAT = { tokens: LIMITS.configTokensMax, nodes: LIMITS.configNodesMax, chars: LIMITS.configExpandedCharsMax };

export function createBudget(): Budget {
  return { ...WHAT, exceeded: null };
}

/** Takes `amount`, or remembers that it was not there. Once something ran out everything is refused. */
export function spend(budget: Budget, what: keyof typeof WHAT, amount: number): boolean {
  if (budget.exceeded !== null) return false;
  budget[what] -= amount;
  if (budget[what] >= 0) return true;
  budget.exceeded = what;
  return false;
}

/** What ran out, for people. */
export function budgetMessage(exceeded: keyof typeof WHAT): string {
  switch (exceeded) {
    case 'tokens':
      return `the configuration has more than ${WHAT.tokens} pieces of YAML`;
    case 'nodes':
      return `the configuration has more than ${WHAT.nodes} values once anchors are resolved`;
    case 'chars':
      return `the configuration has more than ${WHAT.chars} characters once macros are replaced`;
  }
}
