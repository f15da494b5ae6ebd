/**
 * The requests that a test gives: those that ask for the target, those that wait for others, those that are served. Ids
 * are made up where none is named: r1, r2, ... for who waits. Pure.
 */
import type { Json } from '../../core/config/canonical.ts';
import { type ModelId, type RequestId, requestId } from '../../core/ids.ts';
import type { ServingView, View, WaitingView } from '../../core/view.ts';
import { durationOf, numberOf, sizeOf } from './quantity.ts';
import { type Fields, fieldsOf, listOf, TableFault, type TablePath, textOf } from './table.ts';

const SERVING = ['request', 'client', 'session', 'priority', 'ageMs'];
const WAITING = [...SERVING, 'model', 'endpoint', 'bytes', 'streaming'];

type IdIn = (value: unknown, path: TablePath) => ModelId;

/** `always`: somebody asks even when the test names nobody. Who waits for the target asks, too. */
export function asksOf(
  given: Fields,
  target: ModelId | undefined,
  at: TablePath,
  idIn: IdIn,
  always: boolean,
): Pick<View, 'asking' | 'waiting' | 'waitingTotal'> {
  const others = listOf(given['waiting'] ?? [], [...at, 'waiting']);
  const isAsked = others.some((one, n) => fieldsOf(one, [...at, 'waiting', n])['model'] === target);
  const asking = listOf(given['asking'] ?? (always && !isAsked ? [{}] : []), [...at, 'asking']);
  if (asking.length > 0 && target === undefined) throw new TableFault([...at, 'asking'], '"asking" needs a "target"');
  const rows: { request: Json; path: TablePath; model: ModelId }[] = [
    ...asking.map((request, n) => ({ request, path: [...at, 'asking', n], model: target as ModelId })),
    ...others.map((request, n) => {
      const path = [...at, 'waiting', n];
      return { request, path, model: idIn(fieldsOf(request, path)['model'], [...path, 'model']) };
    }),
  ];
  const waiting = rows.map(({ request, path, model }, n): WaitingView => {
    const one = fieldsOf(request, path, WAITING);
    const { endpoint = '/v1/chat/completions', bytes = 1_000, streaming } = one;
    return {
      ...servingOf(one, path, `r${n + 1}`),
      model,
      endpoint: textOf(endpoint, [...path, 'endpoint']),
      bytes: sizeOf(bytes, [...path, 'bytes']),
      streaming: streaming === true,
    };
  });
  const waitingTotal: Record<string, number> = {};
  for (const { model } of waiting) waitingTotal[model] = (waitingTotal[model] ?? 0) + 1;
  waiting.sort((a, b) => b.ageMs - a.ageMs);
  const ids = waiting.filter(({ model }) => model === target).map(({ request }) => request);
  return { asking: ids, waiting, waitingTotal };
}

export function readServing(value: unknown, path: TablePath): ServingView[] {
  return listOf(value, path).map((one, n) =>
    servingOf(fieldsOf(one, [...path, n], SERVING), [...path, n], `s${n + 1}`),
  );
}

function servingOf(one: Fields, path: TablePath, made: string): ServingView {
  const { request = made, client = 'somebody', session = null, priority = 0, ageMs = 1_000 } = one;
  return {
    request: requestId(textOf(request, [...path, 'request'])) satisfies RequestId,
    client: textOf(client, [...path, 'client']),
    session: session === null ? null : textOf(session, [...path, 'session']),
    priority: numberOf(priority, [...path, 'priority']),
    ageMs: durationOf(ageMs, [...path, 'ageMs']),
  };
}
