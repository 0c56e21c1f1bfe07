import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The one accent: a muted ink blue. Shade 8 carries white text at 7:1. */
const ink: MantineColorsTuple = [
  '#eef3fa', '#dde6f3', '#bccde6', '#97b1d8', '#7799cb', '#6089c2', '#4d77b3', '#3c629b', '#2b4f88', '#203e6d',
];

/** Greys with a breath of warmth, as of paper. */
const gray: MantineColorsTuple = [
  '#faf9f7', '#f4f3f0', '#eae8e4', '#dedbd6', '#cac6c0', '#a8a39c', '#7d7871', '#5f5a54', '#3f3b37', '#23211f',
];
const dark: MantineColorsTuple = [
  '#e9e7e3', '#c9c6c1', '#a9a59f', '#77736d', '#45423e', '#383532', '#2a2826', '#201f1d', '#191817', '#131211',
];

const sans = [
  'ui-sans-serif', '-apple-system', 'BlinkMacSystemFont', '"Segoe UI Variable Text"', '"Segoe UI"', 'Roboto',
  '"Apple SD Gothic Neo"', '"Malgun Gothic"', '"Noto Sans CJK KR"', '"Noto Sans KR"', '"Helvetica Neue"', 'Arial', 'sans-serif',
].join(', ');
const mono = [
  'ui-monospace', '"SF Mono"', 'SFMono-Regular', '"Cascadia Code"', 'Menlo', 'Consolas', '"DejaVu Sans Mono"',
  '"Noto Sans Mono CJK KR"', 'monospace',
].join(', ');

export const theme = createTheme({
  colors: { ink, gray, dark },
  primaryColor: 'ink',
  primaryShade: 8,
  autoContrast: true,
  fontFamily: sans,
  fontFamilyMonospace: mono,
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  defaultRadius: 6,
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: {
    fontFamily: sans,
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.5rem', lineHeight: '1.25' },
      h2: { fontSize: '1rem', lineHeight: '1.4' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  components: {
    Button: { defaultProps: { size: 'sm', fw: 500 } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', allowDeselect: false } },
    Textarea: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.35 }, radius: 10 } },
  },
});

/** Lets the component library draw with our tokens (tokens.css). */
export const resolver: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--page)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-placeholder': 'var(--muted)',
    '--mantine-color-default': 'var(--surface)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-anchor': 'var(--accent)',
    '--mantine-color-error': 'var(--bad)',
  };
  return { variables: {}, light: shared, dark: shared };
};
