/**
 * Finds which model a request is for, and whether it asks for a stream, by the rules of spec 3.3: the content type of
 * the request decides where to look, not its route. Large JSON bodies are scanned, not parsed (20 MB cost two bodies of
 * memory this way, six when parsed).
 * Must never change the body and never quote it in an error.
 */
import { LIMITS } from '../../core/limits.ts';
import { findFormField } from './form-field.ts';
import { notJson } from './json-fault.ts';
import { type Member, scanObject, startOf } from './scan-json.ts';

export interface ModelQuestion {
  method: string;
  /** `Content-Type` as received; undefined when absent. */
  contentType: string | undefined;
  /** Query string, without its `?`. */
  query: string;
  body: Buffer;
}

export interface ModelAnswer {
  /** null = no model could be identified. */
  model: string | null;
  streaming: boolean;
}

/** Throws `bad-request`, naming the place, when a JSON body is not JSON. */
export function findModel(question: ModelQuestion): ModelAnswer {
  const type = (question.contentType ?? '').toLowerCase();
  if (question.method === 'GET' || question.method === 'HEAD') return fromPairs(new URLSearchParams(question.query));
  if (type.includes('application/json')) return fromJson(question.body);
  if (type.includes('multipart/form-data')) return fromMultipart(question.body, question.contentType ?? '');
  return fromForm(question.body, type, question.query);
}

function fromPairs(pairs: URLSearchParams): ModelAnswer {
  return { model: pairs.get('model') || null, streaming: pairs.get('stream') === 'true' };
}

/** The body comes before the query; a body that is no form has no fields and is not decoded. */
function fromForm(body: Buffer, type: string, query: string): ModelAnswer {
  const pairs = new URLSearchParams(query);
  if (type.includes('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams(body.toString('utf8'));
    return { model: form.get('model') || pairs.get('model') || null, streaming: form.get('stream') === 'true' };
  }
  return fromPairs(pairs);
}

function fromMultipart(body: Buffer, contentType: string): ModelAnswer {
  const model = findFormField(body, contentType, 'model');
  const stream = findFormField(body, contentType, 'stream');
  return {
    model: (model && body.toString('utf8', model.start, model.end)) || null,
    streaming: stream !== null && body.toString('latin1', stream.start, stream.end) === 'true',
  };
}

function fromJson(body: Buffer): ModelAnswer {
  return (body.length > LIMITS.jsonParseBytesMax ? scanned(body) : null) ?? parsed(body);
}

/** Null when only parsing can tell: escaped or repeated keys, or a body that is not a JSON object. */
function scanned(body: Buffer): ModelAnswer | null {
  let unsure = false;
  const found: { model: Member | null; stream: Member | null } = { model: null, stream: null };
  const object = scanObject(body, (member) => {
    const length = member.keyEnd - member.keyStart - 2;
    if (body.subarray(member.keyStart, member.keyEnd).includes(0x5c)) unsure = true;
    const name = length === 5 || length === 6 ? body.toString('latin1', member.keyStart + 1, member.keyEnd - 1) : '';
    if (name !== 'model' && name !== 'stream') return;
    if (found[name] !== null) unsure = true;
    found[name] = member;
  });
  if (object === null || unsure) return null;
  const model = literal(body, found.model);
  const stream = literal(body, found.stream);
  if (model === undefined || stream === undefined) return null;
  return { model: nameOf(model), streaming: stream === true };
}

/** The value of a member; null for none and for containers, undefined when it is not JSON. */
function literal(body: Buffer, member: Member | null): unknown {
  if (member === null) return null;
  const first = body[member.valueStart];
  if (first === 0x7b || first === 0x5b) return null;
  try {
    return JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) as unknown;
  } catch {
    return undefined; // the whole body is parsed next, which says what is wrong
  }
}

function parsed(body: Buffer): ModelAnswer {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8', startOf(body)));
  } catch (cause) {
    throw notJson(body, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { model: null, streaming: false };
  const object = value as Record<string, unknown>;
  const own = (key: string) => (Object.hasOwn(object, key) ? object[key] : null);
  return { model: nameOf(own('model')), streaming: own('stream') === true };
}

/** Numbers are names too (spec 3.3). */
function nameOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
