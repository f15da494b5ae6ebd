/**
 * Macros: how they are declared, and how one text is expanded (spec 2.3). The list is applied last to first, so that a
 * macro may use only those declared before it.
 * Must never walk a tree: that is expand.ts.
 */
import { LIMITS } from '../limits.ts';
import { type Budget, spend } from './budget.ts';
import type { Report } from './report.ts';
import type { TreeNode } from './tree.ts';

const NAME = /^[a-zA-Z0-9_-]+$/;
const NAME_CHARS_MAX = 63;
const MODEL_ID = 'MODEL_ID';
const RESERVED = new Set(['PID', 'PORT', MODEL_ID]);

export type MacroValue = string | number | boolean;

/** In the order of declaration. */
export type Macros = Map<string, MacroValue>;

/** Checks declarations, used or not. `prefix` stands before each message (`model <id>: `). */
export function readMacros(node: TreeNode | undefined, prefix: string, budget: Budget, report: Report): Macros {
  const macros: Macros = new Map();
  // that it must be a mapping is the schema's affair
  if (node?.kind !== 'map') return macros;
  for (const [name, { at, value: node_ }] of node.entries) {
    const problem = nameProblem(name);
    if (!spend(budget, 'nodes', 1)) return macros;
    if (problem !== null) {
      report.error('macro', at, `${prefix}${problem}`, 'use up to 63 letters, digits, "_" and "-"');
    } else if (node_.kind !== 'scalar' || node_.value === null) {
      report.error('macro', at, `${prefix}macro "${name}" must be a scalar type: text, a number, true or false`);
    } else if (typeof node_.value === 'string' && node_.value.includes(`\${${name}}`)) {
      report.error('macro', node_.at, `${prefix}macro "${name}" contains self-reference`);
    } else {
      macros.set(name, node_.value);
    }
  }
  return macros;
}

function nameProblem(name: string): string | null {
  if (name.length > NAME_CHARS_MAX) return `macro name "${name}" exceeds maximum length of ${NAME_CHARS_MAX}`;
  if (!NAME.test(name)) return `macro name "${name}" contains invalid characters`;
  return RESERVED.has(name) ? `macro name '${name}' is reserved` : null;
}

/** Macros that apply somewhere. The rank is the place in the list; shared parts are not copied. */
export interface MacroList {
  value(name: string): MacroValue | undefined;
  /** -1 for a name that is not in the list. */
  rank(name: string): number;
  names(): string[];
}

export function macroList(macros: Macros): MacroList {
  const ranks = new Map([...macros.keys()].map((name, i) => [name, i]));
  return {
    value: (name) => macros.get(name),
    rank: (name) => ranks.get(name) ?? -1,
    names: () => [...macros.keys()],
  };
}

/** More than there can be global macros. */
const AFTER_GLOBALS = LIMITS.configNodesMax + 1;

/** What applies to one model: MODEL_ID, then the globals with the model's own in their places, then its new ones. */
export function macrosOfModel(id: string, globals: MacroList, own: Macros): MacroList {
  const added = macroList(new Map([...own].filter(([name]) => globals.rank(name) === -1)));
  return {
    value: (name) => (name === MODEL_ID ? id : (own.get(name) ?? globals.value(name))),
    rank: (name) => {
      if (name === MODEL_ID) return 0;
      const global = globals.rank(name);
      if (global !== -1) return global + 1;
      const after = added.rank(name);
      return after === -1 ? -1 : after + AFTER_GLOBALS;
    },
    names: () => [...globals.names(), ...added.names()],
  };
}

const REFERENCE = /\$\{([a-zA-Z0-9_-]+)\}/g;

/** Replaces what it knows; a text that is nothing but `${name}` becomes the macro's own type. */
export function applyMacros(text: string, macros: MacroList, budget: Budget): MacroValue {
  let current = text;
  let below = Number.POSITIVE_INFINITY;
  for (;;) {
    const name = lastReference(current, macros, below);
    const value = name === null ? undefined : macros.value(name);
    if (name === null || value === undefined) return current;
    below = macros.rank(name);
    const reference = `\${${name}}`;
    if (current === reference) {
      if (typeof value !== 'string' || !spend(budget, 'chars', value.length)) return value;
      current = value;
      continue;
    }
    const inserted = String(value);
    const pieces = current.split(reference);
    if (!spend(budget, 'chars', current.length + (pieces.length - 1) * inserted.length)) return current;
    current = pieces.join(inserted);
  }
}

/** Of the macros that the text uses, the last declared one before `below`. */
function lastReference(text: string, macros: MacroList, below: number): string | null {
  let found: string | null = null;
  let foundAt = -1;
  for (const [, name = ''] of text.matchAll(REFERENCE)) {
    const at = macros.rank(name);
    if (at > foundAt && at < below) {
      found = name;
      foundAt = at;
    }
  }
  return found;
}
