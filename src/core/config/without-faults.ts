/**
 * A plain configuration without the values that the schema refused, so that the checks behind it can still run and all
 * problems are told in one go. Must never import anything but types.
 */
import type { z } from 'zod';

/** Changes and returns `plain`. */
export function withoutFaults(plain: unknown, issues: z.core.$ZodIssue[]): unknown {
  // later list items first, so that earlier ones keep their index
  const paths = issues.map((issue) => issue.path).sort(byLastStep);
  for (const path of paths) removeAt(plain, path);
  return plain;
}

function byLastStep(a: PropertyKey[], b: PropertyKey[]): number {
  return Number(b.at(-1)) - Number(a.at(-1)) || b.length - a.length;
}

function removeAt(plain: unknown, path: PropertyKey[]): void {
  const last = path.at(-1);
  let parent = plain;
  for (const step of path.slice(0, -1)) parent = isRecord(parent) ? parent[step] : undefined;
  if (!isRecord(parent) || last === undefined) return;
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  // a model stays known by its name, or everything that refers to it would seem wrong too
  else if (path.length === 2 && path[0] === 'models') parent[last] = {};
  // what is missing makes the whole thing around it unusable
  else if (!Object.hasOwn(parent, last)) removeAt(plain, path.slice(0, -1));
  else delete parent[last];
}

function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}
