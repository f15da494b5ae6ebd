/**
 * What parent and child of the policy host say to each other: the heads of their frames. The child is not trusted: what it
 * says is read here, field by field. Must never import anything that runs.
 */
import { BOUNDS } from './bounds.ts';
import type { FaultKind, Hook } from './types.ts';

/** One at a time; the next is sent when the last was answered. */
export type ToChild =
  /** body: the source as written */
  | { op: 'load'; id: number; slot: string; file: string; name: string; strip: boolean }
  /** body: the options */
  | { op: 'begin'; id: number; slot: string }
  /** body: a JSON array of events */
  | { op: 'evolve'; id: number; slot: string }
  /** body: the view */
  | { op: 'call'; id: number; slot: string; hook: Hook; seed: number }
  | { op: 'drop'; id: number; slot: string };

export type FromChild =
  | { op: 'hello' }
  | { op: 'done'; id: number; tookMs: number }
  /** `starved`: the machine was busy with other things; the policy hardly ran. */
  | { op: 'fault'; id: number; fault: ChildFault; starved: boolean }
  /** Everything up to this job is tidied up: nothing of a policy runs. */
  | { op: 'rested'; id: number };

/** A fault as the child tells it; `stack` holds the place. */
export interface ChildFault {
  kind: FaultKind;
  message: string;
  stack: string;
}

const KINDS: ReadonlySet<unknown> = new Set<FaultKind>([
  'throw',
  'timeout',
  'memory',
  'nonsense',
  'too-long',
  'syntax',
]);

/** Throws when it is nothing that the child may say. */
export function readFromChild(head: unknown): FromChild {
  if (!isRecord(head)) throw new Error('expected an object');
  const { op, id, tookMs, fault, starved } = head;
  if (op === 'hello') return { op };
  if (!Number.isSafeInteger(id)) throw new Error('expected a whole number as id');
  const job = id as number;
  if (op === 'rested') return { op, id: job };
  if (op === 'done' && typeof tookMs === 'number' && tookMs >= 0) return { op, id: job, tookMs };
  if (op === 'fault' && isRecord(fault) && KINDS.has(fault['kind'])) {
    return { op, id: job, fault: readFault(fault), starved: starved === true };
  }
  throw new Error('expected one of hello, done, fault and rested');
}

function readFault({ kind, message, stack }: Record<string, unknown>): ChildFault {
  if (typeof message !== 'string' || typeof stack !== 'string') throw new Error('expected a message and a stack');
  return {
    kind: kind as FaultKind,
    message: message.slice(0, BOUNDS.policyMessageCharsMax),
    stack: stack.slice(0, BOUNDS.policyStackCharsMax),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
