/**
 * The paths that carry a model's name (spec 3.2), and how each is forwarded. A table and nothing else.
 */

const POST_JSON = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/completions',
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/embeddings',
  '/reranking',
  '/rerank',
  '/v1/rerank',
  '/v1/reranking',
  '/infill',
  '/completion',
  '/v1/audio/speech',
  '/v1/audio/voices',
  '/v1/images/generations',
  '/sdapi/v1/txt2img',
  '/sdapi/v1/img2img',
  '/audioapi/v1/tasks/run',
  '/v/chat/completions',
  '/v/responses',
  '/v/completions',
  '/v/messages',
  '/v/messages/count_tokens',
  '/v/embeddings',
  '/v/rerank',
  '/v/reranking',
];

const POST_MULTIPART = ['/v1/audio/transcriptions', '/v1/images/edits'];

/** The model stands in the query. */
const GET = ['/v1/audio/voices', '/sdapi/v1/loras', '/props'];

export interface InferencePath {
  method: 'GET' | 'HEAD' | 'POST';
  path: string;
  /** `/v/x` goes to `/x`, `/audioapi/x` to `/x`, all others as they are. */
  forwardedPath: string;
}

export const INFERENCE_PATHS: readonly InferencePath[] = [
  ...[...POST_JSON, ...POST_MULTIPART].map((path) => entry('POST', path)),
  ...GET.flatMap((path) => [entry('GET', path), entry('HEAD', path)]),
];

function entry(method: InferencePath['method'], path: string): InferencePath {
  return { method, path, forwardedPath: path.replace(/^\/(?:v|audioapi)(?=\/)/, '') };
}
