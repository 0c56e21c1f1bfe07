import { expect, it } from 'vitest';
import { absoluteURI, curlSnippet, pythonSnippet } from './snippets';

it('puts the form body into both, quoted for where it goes', () => {
  const body = '{\n  "data": ["it\'s"]\n}';
  expect(curlSnippet({ uri: 'http://x/score', body })).toContain(`-d '{"data":["it'\\''s"]}'`);
  expect(pythonSnippet({ uri: 'http://x/score', body })).toContain(`json.loads('{"data":["it\\'s"]}')`);
});

it('names the key only when it is given one, and the deployment when it is chosen', () => {
  const asked = { uri: 'http://x/score', body: '{}' };
  expect(curlSnippet(asked)).toContain('"Authorization: Bearer $KEY"');
  expect(pythonSnippet(asked)).toContain('os.environ["KEY"]');
  expect(curlSnippet({ ...asked, key: 'k1', deployment: 'blue' })).toContain("-H 'Authorization: Bearer k1' \\\n  -H 'azureml-model-deployment: blue'");
  expect(pythonSnippet({ ...asked, key: 'k1', deployment: 'blue' })).not.toContain('os');
  expect(pythonSnippet({ ...asked, key: 'k1', deployment: 'blue' })).toContain('"azureml-model-deployment": "blue",');
});

it('leaves a body that is no JSON as it is', () => {
  expect(curlSnippet({ uri: 'http://x/score', body: ' 1,2 ' })).toContain("-d '1,2'");
});

it('completes a path with the origin', () => {
  expect(absoluteURI('/workspaces/d/endpoints/e/score', 'http://h:1')).toBe('http://h:1/workspaces/d/endpoints/e/score');
  expect(absoluteURI('http://elsewhere/score', 'http://h:1')).toBe('http://elsewhere/score');
});
