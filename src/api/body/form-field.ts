/**
 * Finds one text field of a multipart/form-data body that is held in memory whole (RFC 7578). Files are stepped over
 * natively and never decoded, so that the body can be forwarded with only the bytes of one field replaced.
 * Must never change a byte outside the field.
 */

const HEAD_BYTES_MAX = 16 * 1024;
const CRLFCRLF = Buffer.from('\r\n\r\n');

/** Byte offsets of a value; the end is exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** Place of the first field with this name that is not a file; null when there is none or the form is malformed. */
export function findFormField(body: Buffer, contentType: string, name: string): Span | null {
  const boundary = boundaryOf(contentType);
  if (boundary === null) return null;
  const opening = Buffer.from(`--${boundary}`, 'latin1');
  const closing = Buffer.from(`\r\n--${boundary}`, 'latin1');
  let at = body.indexOf(opening);
  if (at < 0 || (at > 0 && body.indexOf(closing) !== at - 2)) return null;
  at += opening.length;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at, 'latin1');
    // only blanks may stand behind a boundary; "--" there closes the form
    if (lineEnd < 0 || lineEnd - at > HEAD_BYTES_MAX || body.toString('latin1', at, lineEnd).trim() !== '') return null;
    const headStart = lineEnd + 2;
    const headEnd = body.indexOf(CRLFCRLF, lineEnd);
    if (headEnd < 0 || headEnd - headStart > HEAD_BYTES_MAX) return null;
    const start = headEnd + 4;
    const end = body.indexOf(closing, start);
    if (end < 0) return null;
    if (fieldName(body.toString('utf8', headStart, headEnd)) === name) return { start, end };
    at = end + closing.length;
  }
}

/** A copy of the form with the value of one field replaced; the same buffer when there is no such field. */
export function setFormField(body: Buffer, contentType: string, name: string, value: string): Buffer {
  const span = findFormField(body, contentType, name);
  if (span === null) return body;
  return Buffer.concat([body.subarray(0, span.start), Buffer.from(value, 'utf8'), body.subarray(span.end)]);
}

/** Name of a field that is not a file, else null. */
function fieldName(head: string): string | null {
  const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1];
  if (disposition === undefined || /;\s*filename\*?=/i.test(`;${disposition}`)) return null;
  const found = /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(`;${disposition}`);
  if (found === null) return null;
  return found[1] === undefined ? (found[2] ?? null) : found[1].replace(/\\(.)/g, '$1');
}

function boundaryOf(contentType: string): string | null {
  const found = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(contentType);
  return found?.[1] ?? found?.[2] ?? null;
}
