import type { ModelVersion } from '@/api/nouns';

/** The files and commands that put a version behind an endpoint. */
export function deploySnippet(version: Pick<ModelVersion, 'name' | 'version' | 'type'>): string {
  const endpoint = endpointName(version.name);
  const scoring = version.type === 'mlflow_model' ? '' : `
code_configuration:
  code: ./src
  scoring_script: score.py
environment: azureml:sklearn@latest`;
  return `# deployment.yml
name: blue
endpoint_name: ${endpoint}
model: azureml:${version.name}:${version.version}${scoring}
instance_count: 1

# in a terminal
atelier online-endpoint create --name ${endpoint}
atelier online-deployment create -f deployment.yml --all-traffic
atelier online-endpoint invoke --name ${endpoint} --request-file request.json`;
}

/** A model's name as an endpoint may be called: 3 to 32 letters, digits or "-". */
export function endpointName(model: string): string {
  const plain = model.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^[^A-Za-z]+/, '').slice(0, 32).replace(/-+$/, '');
  return plain.length >= 3 ? plain : `model-${plain}`.replace(/-+$/, '');
}
