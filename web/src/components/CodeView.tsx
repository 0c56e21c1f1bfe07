import { json } from '@codemirror/lang-json';
import { python } from '@codemirror/lang-python';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { nonce } from '@/lib/nonce';

const look = EditorView.theme({
  '&': { backgroundColor: 'transparent', color: 'var(--text)', fontSize: '0.8125rem' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', maxHeight: 'min(64vh, 680px)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--muted)', border: 'none', paddingRight: '6px' },
  '.cm-content': { padding: '12px 0' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-cursor': { display: 'none' },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.comment, tags.meta], color: 'var(--code-comment)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.className, tags.definition(tags.propertyName), tags.propertyName], color: 'var(--code-name)' },
]);

function languageOf(path: string): Extension {
  const name = path.toLowerCase();
  if (/\.(py|pyi)$/.test(name)) return python();
  if (/\.(ya?ml)$/.test(name) || /(^|\/)mlmodel$/.test(name)) return yaml();
  if (/\.(json|ipynb)$/.test(name)) return json();
  return [];
}

/** A file to read: selectable, copyable, never changed. */
export default function CodeView({ path, text, label }: { path: string; text: string; label: string }) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!holder.current) return;
    const view = new EditorView({
      parent: holder.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(), languageOf(path), look, syntaxHighlighting(colours),
          EditorState.readOnly.of(true), EditorView.editable.of(false),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0', 'aria-readonly': 'true' }),
          nonce ? EditorView.cspNonce.of(nonce) : [],
        ],
      }),
    });
    return () => view.destroy();
  }, [path, text, label]);
  return <div ref={holder} />;
}
