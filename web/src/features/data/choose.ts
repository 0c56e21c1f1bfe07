import type { DataVersion } from '@/api/nouns';
import type { Chosen } from '@/api/upload';

/** Files with their places: below the folder that was chosen, or by their names. */
export function chooseFiles(files: readonly Pick<File, 'name'>[]): Chosen[] {
  return files.map((file) => {
    const inFolder = (file as File).webkitRelativePath;
    return { path: inFolder ? inFolder.slice(inFolder.indexOf('/') + 1) : file.name, file: file as File };
  });
}

/** One file is a file, unless it lies in a folder; a folder with a file MLTable is a table. */
export function dataType(files: readonly Chosen[]): DataVersion['type'] {
  if (files.some((one) => one.path === 'MLTable')) return 'mltable';
  return files.length === 1 && !files[0]?.path.includes('/') ? 'uri_file' : 'uri_folder';
}

/** A name to begin with: the folder's, or the file's without its ending, in the letters that names may have. */
export function nameFor(files: readonly Chosen[]): string {
  const [first] = files;
  if (!first) return '';
  const folder = first.file.webkitRelativePath?.split('/')[0];
  const name = folder || first.path.replace(/(?<=.)\.[^.]*$/, '');
  return name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').replace(/-+$/, '');
}
