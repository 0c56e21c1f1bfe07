import { IconChevronRight, IconFile, IconFolder } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatBytes } from '@/lib/format';
import type { FileNode } from '@/lib/files';
import classes from './FileBrowser.module.css';

interface Sized {
  path: string;
  size?: number;
}

interface FileBrowserProps<T> {
  label: string;
  nodes: readonly FileNode<T>[];
  selected: string | undefined;
  onSelect: (path: string) => void;
  children: ReactNode;
}

/** A tree of files at the left and what is in the chosen one at the right. */
export function FileBrowser<T extends Sized>({ label, nodes, selected, onSelect, children }: FileBrowserProps<T>) {
  return (
    <div className={classes.browser}>
      <nav className={classes.tree} aria-label={label}>
        <Nodes nodes={nodes} selected={selected} onSelect={onSelect} depth={0} />
      </nav>
      <div className={classes.content}>{children}</div>
    </div>
  );
}

interface NodesProps<T> {
  nodes: readonly FileNode<T>[];
  selected: string | undefined;
  onSelect: (path: string) => void;
  depth: number;
}

function Nodes<T extends Sized>({ nodes, selected, onSelect, depth }: NodesProps<T>) {
  const { i18n } = useTranslation();
  return (
    <ul className={classes.list}>
      {nodes.map((node) => node.file ? (
        <li key={node.path}>
          <button
            type="button" className={classes.node} data-depth={depth} aria-current={node.path === selected || undefined}
            onClick={() => onSelect(node.path)} style={{ paddingLeft: 30 + depth * 16 }}
          >
            <IconFile size={15} stroke={1.5} className={classes.icon} aria-hidden="true" />
            <span className="ellipsis">{node.name}</span>
            {node.file.size !== undefined && <span className={classes.size}>{formatBytes(node.file.size, i18n.language)}</span>}
          </button>
        </li>
      ) : (
        <Folder key={node.path} node={node} selected={selected} onSelect={onSelect} depth={depth} />
      ))}
    </ul>
  );
}

function Folder<T extends Sized>({ node, selected, onSelect, depth }: Omit<NodesProps<T>, 'nodes'> & { node: FileNode<T> }) {
  const [open, setOpen] = useState(depth === 0 || (selected?.startsWith(`${node.path}/`) ?? false));
  return (
    <li>
      <button type="button" className={classes.node} aria-expanded={open} onClick={() => setOpen(!open)} style={{ paddingLeft: 10 + depth * 16 }}>
        <IconChevronRight size={14} className={classes.chevron} data-open={open || undefined} aria-hidden="true" />
        <IconFolder size={15} stroke={1.5} className={classes.icon} aria-hidden="true" />
        <span className="ellipsis">{node.name}</span>
      </button>
      {open && <Nodes nodes={node.children} selected={selected} onSelect={onSelect} depth={depth + 1} />}
    </li>
  );
}
