import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/core/config/diagnostics.ts';
import { renderDiagnostics } from '../../src/core/config/render.ts';
import { errorsOf, warningsOf, yaml } from './helpers.ts';

const one: Diagnostic = {
  severity: 'error',
  code: 'unknown-key',
  message: 'unknown key "concurency" in models.llama',
  file: 'config.yaml',
  line: 6,
  column: 5,
  length: 10,
  source: '    concurency: 4',
  help: 'did you mean "concurrencyLimit"?',
};

describe('renderDiagnostics()', () => {
  it('has the one shape', () => {
    expect(renderDiagnostics([one])).toBe(
      [
        'error[unknown-key]: unknown key "concurency" in models.llama',
        '  --> config.yaml:6:5',
        ' 6 |     concurency: 4',
        '   |     ^^^^^^^^^^ did you mean "concurrencyLimit"?',
      ].join('\n'),
    );
  });

  it('says what is wrong with a whole configuration', () => {
    const text = yaml(`
      globalTTL: -1
      models:
        llama:
          cmd: server --port \${PORT}
          ttl: -5
        qwen:
          cmd: |
            server
            \t--port \${PORT} -m \${modle}
          aliases: [gpt]
        mistral:
          cmd: server
          aliases: [gpt]
          concurency: 4
      macros: {model: x}
    `);
    const result = [...errorsOf(text), ...warningsOf(`models: {a: {cmd: "\${PORT}", concurency: 4}}`)];
    expect(renderDiagnostics(result)).toBe(
      yaml(`
        error[invalid-value]: globalTTL must be >= 0
          --> config.yaml:1:12
         1 | globalTTL: -1
           |            ^^

        error[invalid-value]: model llama: invalid TTL value -5
          --> config.yaml:5:10
         5 |     ttl: -5
           |          ^^

        error[unknown-macro]: unknown macro '\${modle}' found in qwen.cmd
          --> config.yaml:9:26
         9 |       \t--port \${PORT} -m \${modle}
           |       \t                  ^^^^^^^^ did you mean "model"?

        error[port-rule]: model mistral: proxy uses \${PORT} but cmd does not - \${PORT} is only available when used in cmd
           --> config.yaml:12:10
         12 |     cmd: server
            |          ^^^^^^ use \${PORT} in cmd, or set proxy to the address where the server answers

        error[duplicate-alias]: duplicate alias gpt found in model: mistral
           --> config.yaml:13:15
         13 |     aliases: [gpt]
            |               ^^^ also an alias of qwen

        warning[unknown-key]: unknown key "concurency" in models.a
          --> config.yaml:1:30
         1 | models: {a: {cmd: "\${PORT}", concurency: 4}}
           |                              ^^^^^^^^^^ did you mean "concurrencyLimit"?`),
    );
  });

  it('shows a problem without a place by its file, and one without a file alone', () => {
    const nowhere = { ...one, line: 0, column: 0, length: 0, source: '' };
    expect(renderDiagnostics([nowhere, { ...nowhere, file: '', help: null }])).toBe(
      [
        'error[unknown-key]: unknown key "concurency" in models.llama',
        '  --> config.yaml',
        '   = did you mean "concurrencyLimit"?',
        '',
        'error[unknown-key]: unknown key "concurency" in models.llama',
      ].join('\n'),
    );
  });

  it('is nothing for nothing', () => {
    expect(renderDiagnostics([])).toBe('');
  });

  it('shows the stretch of a long line that matters', () => {
    const source = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`;
    const lines = renderDiagnostics([{ ...one, source, column: 501, length: 4, help: null }]).split('\n');
    const [, , text = '', marks = ''] = lines;
    expect(text.length).toBeLessThan(180);
    expect(text.slice(marks.indexOf('^'), marks.lastIndexOf('^') + 1)).toBe('HERE');
    expect(text).toContain('…');
    const whole = renderDiagnostics([{ ...one, source, column: 1, length: 1004, help: null }]).split('\n')[3] ?? '';
    expect(whole.length).toBeLessThan(180);
  });

  it('lets nothing of a file steer the terminal', () => {
    const evil = {
      ...one,
      message: 'a\u001b[2Jb',
      source: '\u001b]0;x\u0007 \u202e',
      file: 'a\nb',
      help: 'c\rd',
      column: 1,
      length: 1,
    };
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(renderDiagnostics([evil])).not.toMatch(/[\u001b\u0007\r\u202e]/);
    expect(renderDiagnostics([evil]).split('\n')).toHaveLength(4);
  });

  it('has the same text in colour', () => {
    const coloured = renderDiagnostics([one, { ...one, severity: 'warning' }], { colour: true });
    expect(coloured).toContain('\u001b[');
    expect(stripVTControlCharacters(coloured)).toBe(renderDiagnostics([one, { ...one, severity: 'warning' }]));
  });
});
