/** The request that the form holds, as it would be sent from elsewhere. */
export function curlSnippet(uri: string, body: string): string {
  const compact = compactJSON(body);
  return `curl -X POST '${uri}' \\
  -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' \\
  -d '${compact.replaceAll("'", "'\\''")}'`;
}

export function pythonSnippet(uri: string, body: string): string {
  return `import json, os, urllib.request

request = urllib.request.Request(
    ${JSON.stringify(uri)},
    data=json.dumps(json.loads(${pythonText(compactJSON(body))})).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["KEY"],
        "Content-Type": "application/json",
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

function pythonText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}

/** A scoring address as this browser reaches the server. */
export function absoluteURI(uri: string, origin: string): string {
  return uri.startsWith('/') ? origin + uri : uri;
}
