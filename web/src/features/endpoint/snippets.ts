interface Request {
  uri: string;
  body: string;
  /** The deployment that is asked for by name, if any. */
  deployment?: string;
  /** The key itself; the snippet takes it from the environment without. */
  key?: string | undefined;
}

/** The request that the form holds, as it would be sent from elsewhere. */
export function curlSnippet({ uri, body, deployment, key }: Request): string {
  const authorization = key === undefined ? '"Authorization: Bearer $KEY"' : shellText(`Authorization: Bearer ${key}`);
  const chosen = deployment ? `  -H ${shellText(`azureml-model-deployment: ${deployment}`)} \\\n` : '';
  return `curl -X POST '${uri}' \\
  -H ${authorization} \\
${chosen}  -H 'Content-Type: application/json' \\
  -d ${shellText(compactJSON(body))}`;
}

export function pythonSnippet({ uri, body, deployment, key }: Request): string {
  const authorization = key === undefined ? '"Bearer " + os.environ["KEY"]' : JSON.stringify(`Bearer ${key}`);
  const chosen = deployment ? `        "azureml-model-deployment": ${JSON.stringify(deployment)},\n` : '';
  return `import json, ${key === undefined ? 'os, ' : ''}urllib.request

request = urllib.request.Request(
    ${JSON.stringify(uri)},
    data=json.dumps(json.loads(${pythonText(compactJSON(body))})).encode(),
    headers={
        "Authorization": ${authorization},
${chosen}        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(json.load(response))`;
}

function compactJSON(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body.trim();
  }
}

function shellText(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function pythonText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}

/** A scoring address as this browser reaches the server. */
export function absoluteURI(uri: string, origin: string): string {
  return uri.startsWith('/') ? origin + uri : uri;
}
