/**
 * Answers that are not generated text: embeddings, rerank, audio, images and llama.cpp's own pages. Small, fixed or
 * computed from the input, so that a test can foresee them.
 * Must never depend on anything but the options and the request.
 */
import { createHash } from 'node:crypto';
import { isObject, type Json, textOf, wordsOf } from './ask.ts';
import { openAiError } from './dialects/dialect.ts';
import { type Exchange, sendBytes, sendJson } from './exchange.ts';
import type { FakeModel } from './model.ts';

const EMBEDDING_DIMENSIONS = 8;

/** A unit vector that depends on the text alone. */
function vectorOf(text: string): number[] {
  const hash = createHash('sha256').update(text).digest();
  const raw = Array.from({ length: EMBEDDING_DIMENSIONS }, (_, i) => hash.readInt32LE(i * 4));
  const norm = Math.hypot(...raw) || 1;
  return raw.map((value) => Math.fround(value / norm));
}

function base64Of(vector: number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}

/** One text per input: a text, a list of texts, one list of tokens, or several. */
function inputsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [textOf(value)];
  return value.every((entry) => typeof entry === 'number') ? [textOf(value)] : value.map(textOf);
}

export function embeddings(model: FakeModel, { json, res }: Exchange): void {
  const input = json?.['input'] ?? json?.['content'];
  if (json === null || input === undefined) {
    sendJson(res, 400, openAiError(400, 'cannot embed, expected a JSON object with "input"'));
    return;
  }
  const texts = inputsOf(input);
  const tokens = wordsOf(texts).length;
  const data = texts.map((text, index) => {
    const vector = vectorOf(text);
    return { object: 'embedding', index, embedding: json['encoding_format'] === 'base64' ? base64Of(vector) : vector };
  });
  sendJson(res, 200, {
    object: 'list',
    model: model.options.model,
    data,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** Share of the query's words that the document contains. */
function relevance(query: string[], document: string): number {
  const words = new Set(wordsOf(document.toLowerCase()));
  return query.length === 0 ? 0 : query.filter((word) => words.has(word)).length / query.length;
}

export function rerank(model: FakeModel, { json, res }: Exchange): void {
  const documents = json?.['documents'];
  if (json === null || !Array.isArray(documents)) {
    sendJson(res, 400, openAiError(400, 'cannot rerank, expected a JSON object with a list "documents"'));
    return;
  }
  const query = wordsOf(textOf(json['query']).toLowerCase());
  const topN = typeof json['top_n'] === 'number' ? json['top_n'] : documents.length;
  const results = documents
    .map((document, index) => ({ index, relevance_score: relevance(query, textOf(document)) }))
    .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
    .slice(0, Math.max(0, topN));
  const tokens = query.length + wordsOf(documents).length;
  sendJson(res, 200, {
    object: 'list',
    model: model.options.model,
    results,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** A tenth of a second of silence: 8 kHz, 16 bit, one channel. */
function silence(): Buffer {
  const samples = 800;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(8_000, 24);
  wav.writeUInt32LE(16_000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  return wav;
}

export function speech(_model: FakeModel, { res }: Exchange): void {
  sendBytes(res, 200, 'audio/wav', silence());
}

export function voices(_model: FakeModel, { res }: Exchange): void {
  sendJson(res, 200, { voices: ['fake'] });
}

export function transcription(model: FakeModel, { body, res }: Exchange): void {
  sendJson(res, 200, { text: `${model.options.model} heard ${body.length} bytes` });
}

/** One transparent pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

export function images(_model: FakeModel, { json, res }: Exchange): void {
  const n = typeof json?.['n'] === 'number' ? Math.min(10, Math.max(1, Math.floor(json['n']))) : 1;
  sendJson(res, 200, { created: 0, data: Array.from({ length: n }, () => ({ b64_json: PNG })) });
}

export function sdImages(_model: FakeModel, { json, res }: Exchange): void {
  sendJson(res, 200, { images: [PNG], parameters: json ?? {}, info: '{}' });
}

export function loras(_model: FakeModel, { res }: Exchange): void {
  sendJson(res, 200, []);
}

export function task(model: FakeModel, { res }: Exchange): void {
  sendJson(res, 200, { status: 'done', model: model.options.model });
}

export function countTokens(_model: FakeModel, { json, res }: Exchange): void {
  const body: Json = isObject(json) ? json : {};
  sendJson(res, 200, { input_tokens: wordsOf(body['system'], body['messages']).length });
}

export function models({ options }: FakeModel, { res }: Exchange): void {
  const record = { id: options.model, object: 'model', created: 0, owned_by: 'fake-model' };
  sendJson(res, 200, { object: 'list', data: [record] });
}

export function props({ options }: FakeModel, { res }: Exchange): void {
  sendJson(res, 200, {
    model_alias: options.model,
    model_path: options.model,
    total_slots: options.slots,
    default_generation_settings: { n_ctx: 4_096, params: { n_predict: options.tokens } },
    chat_template: '',
    build_info: 'fake-model',
  });
}

export function slots(model: FakeModel, { res }: Exchange): void {
  sendJson(res, 200, model.slots.view());
}

export function page({ options }: FakeModel, { res }: Exchange): void {
  const name = options.model.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  sendBytes(res, 200, 'text/html; charset=utf-8', `<!doctype html><title>${name}</title><h1>${name}</h1>\n`);
}

/** The body back, byte for byte, under the type it came with. */
export function echo(_model: FakeModel, { req, res, body }: Exchange): void {
  sendBytes(res, 200, req.headers['content-type'] ?? 'application/octet-stream', body);
}
