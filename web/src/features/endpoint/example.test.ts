import { expect, it } from 'vitest';
import { exampleRequest, signatureInputs } from './example';

const mlmodel = `flavors:
  sklearn: {}
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}, {"type": "string",
    "name": "patient''s sex", "required": true}]'
  outputs: '[{"type": "tensor"}]'
`;

it('reads the inputs of a signature over folded lines and doubled quotes', () => {
  expect(signatureInputs(mlmodel).map((column) => column.name)).toEqual(['age', "patient's sex"]);
  expect(signatureInputs('flavors: {}\n')).toEqual([]);
  expect(signatureInputs("signature:\n  inputs: 'no json'\n")).toEqual([]);
});

it('makes a row of named columns, or of a tensor', () => {
  expect(JSON.parse(exampleRequest(signatureInputs(mlmodel)) ?? '')).toEqual({ input_data: { columns: ['age', "patient's sex"], data: [[0, '']] } });
  expect(JSON.parse(exampleRequest([{ type: 'tensor', 'tensor-spec': { shape: [-1, 3] } }]) ?? '')).toEqual({ input_data: [[0, 0, 0]] });
  expect(exampleRequest([])).toBeUndefined();
  expect(exampleRequest([{ 'tensor-spec': { shape: [-1, 28, 28] } }])).toBeUndefined();
});
