// What the addresses of the pages of data carry.

export interface AssetsSearch {
  find?: string | undefined;
  archived?: true | undefined;
}

export const assetTabs = ['overview', 'profile', 'difference', 'lineage'] as const;
export type AssetTab = (typeof assetTabs)[number];

export interface AssetSearch {
  version?: string | undefined;
  tab?: AssetTab | undefined;
  /** The file that is shown. */
  path?: string | undefined;
  /** The version to compare with. */
  since?: string | undefined;
}

type Raw = Record<string, unknown>;

function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function parseAssetsSearch(raw: Raw): AssetsSearch {
  return { find: text(raw.find), archived: raw.archived === true ? true : undefined };
}

export function parseAssetSearch(raw: Raw): AssetSearch {
  return { version: text(raw.version), tab: assetTabs.find((one) => one === raw.tab), path: text(raw.path), since: text(raw.since) };
}
