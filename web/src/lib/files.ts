// Files by their names: how to show them, and how to arrange them as a tree.

export type FileKind = 'image' | 'table' | 'json' | 'text' | 'other';

const texts = /\.(txt|log|md|py|pyi|ya?ml|toml|ini|cfg|conf|sh|r|sql|js|ts|css|html?|xml|env|lock|requirements|gitignore|amlignore|dockerfile|err|out)$/i;
const textNames = /(^|\/)(MLmodel|Dockerfile|Makefile|LICENSE|README|\.amlignore|\.gitignore)$/i;

export function kindOf(path: string): FileKind {
  if (/\.(png|jpe?g|gif|webp|bmp)$/i.test(path)) return 'image';
  if (/\.(csv|tsv)$/i.test(path)) return 'table';
  if (/\.(json|ipynb|geojson)$/i.test(path)) return 'json';
  if (texts.test(path) || textNames.test(path)) return 'text';
  return 'other';
}

export interface FileNode<T> {
  name: string;
  path: string;
  file?: T;
  children: FileNode<T>[];
}

/** Files with slashes in their paths as folders within folders, folders first. */
export function toTree<T extends { path: string }>(files: readonly T[]): FileNode<T>[] {
  const root: FileNode<T> = { name: '', path: '', children: [] };
  const folders = new Map<string, FileNode<T>>([['', root]]);
  const folderOf = (path: string): FileNode<T> => {
    const known = folders.get(path);
    if (known) return known;
    const slash = path.lastIndexOf('/');
    const folder: FileNode<T> = { name: path.slice(slash + 1), path, children: [] };
    folderOf(slash < 0 ? '' : path.slice(0, slash)).children.push(folder);
    folders.set(path, folder);
    return folder;
  };
  for (const file of files) {
    const slash = file.path.lastIndexOf('/');
    folderOf(slash < 0 ? '' : file.path.slice(0, slash)).children.push({ name: file.path.slice(slash + 1), path: file.path, file, children: [] });
  }
  sortNodes(root);
  return root.children;
}

function sortNodes<T>(node: FileNode<T>) {
  node.children.sort((a, b) => Number(a.file !== undefined) - Number(b.file !== undefined) || a.name.localeCompare(b.name));
  node.children.forEach(sortNodes);
}
