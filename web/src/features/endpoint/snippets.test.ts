import { expect, it } from 'vitest';
import { absoluteURI, curlSnippet, pythonSnippet } from './snippets';

it('puts the form body into both, quoted for where it goes', () => {
  const body = '{\n  "data": ["it\'s"]\n}';
  expect(curlSnippet('http://x/score', body)).toContain(`-d '{"data":["it'\\''s"]}'`);
  expect(pythonSnippet('http://x/score', body)).toContain(`json.loads('{"data":["it\\'s"]}')`);
});

it('leaves a body that is no JSON as it is', () => {
  expect(curlSnippet('http://x/score', ' 1,2 ')).toContain("-d '1,2'");
});

it('completes a path with the origin', () => {
  expect(absoluteURI('/workspaces/d/endpoints/e/score', 'http://h:1')).toBe('http://h:1/workspaces/d/endpoints/e/score');
  expect(absoluteURI('http://elsewhere/score', 'http://h:1')).toBe('http://elsewhere/score');
});
