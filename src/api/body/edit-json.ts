/**
 * Edits the top level of a JSON body by splicing bytes: only the bytes of the edited keys change, so that key order,
 * whitespace, and numbers beyond 2^53 survive (design section 9). The value of a key that stands several times is set
 * in every place, so that no two readers see different values.
 * Must never parse and print the body as a whole.
 */
import { TurnoutError } from '../../core/errors.ts';
import { findJsonFault, notJson } from './json-fault.ts';
import { type Member, scanObject } from './scan-json.ts';

interface Splice {
  start: number;
  end: number;
  insert: string;
}

/** Sets a top-level key, appending it when it is absent. Throws `bad-request` when the body is not a JSON object. */
export function setTopLevel(body: Buffer, key: string, value: unknown): Buffer {
  const text = JSON.stringify(value);
  if (text === undefined)
    throw new TypeError(`set "${key}" in a JSON body: expected a JSON value, got ${typeof value}`);
  const { members, close } = membersOf(body);
  const same = members.filter((member) => keyOf(body, member) === key);
  if (same.length > 0) {
    return spliced(
      body,
      same.map((member) => ({ start: member.valueStart, end: member.valueEnd, insert: text })),
    );
  }
  const last = members.at(-1);
  const at = last === undefined ? close : last.valueEnd;
  return spliced(body, [
    { start: at, end: at, insert: `${last === undefined ? '' : ','}${JSON.stringify(key)}:${text}` },
  ]);
}

/** Removes a top-level key wherever it stands. Returns the same buffer when it is absent. */
export function deleteTopLevel(body: Buffer, key: string): Buffer {
  const { members, open, close } = membersOf(body);
  const splices: Splice[] = [];
  let kept = 0;
  for (const [i, member] of members.entries()) {
    if (keyOf(body, member) !== key) {
      kept++;
      continue;
    }
    const next = members[i + 1];
    // up to the next key when nothing is kept before it, else back to the end of the value before it
    const previousEnd = members[i - 1]?.valueEnd ?? open + 1;
    if (kept === 0) splices.push({ start: member.keyStart, end: next?.keyStart ?? close, insert: '' });
    else splices.push({ start: previousEnd, end: member.valueEnd, insert: '' });
  }
  return splices.length === 0 ? body : spliced(body, splices);
}

function membersOf(body: Buffer): { members: Member[]; open: number; close: number } {
  const members: Member[] = [];
  const braces = scanObject(body, (member) => members.push(member));
  if (braces !== null) return { members, ...braces };
  if (findJsonFault(body) !== null) throw notJson(body);
  throw new TurnoutError('bad-request', 'edit the request body: expected a JSON object, got another value');
}

function keyOf(body: Buffer, member: Member): string {
  const quoted = body.toString('utf8', member.keyStart, member.keyEnd);
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch (cause) {
    throw notJson(body, cause);
  }
}

function spliced(body: Buffer, splices: readonly Splice[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, insert } of splices) {
    parts.push(body.subarray(at, start), Buffer.from(insert, 'utf8'));
    at = end;
  }
  parts.push(body.subarray(at));
  return Buffer.concat(parts);
}
