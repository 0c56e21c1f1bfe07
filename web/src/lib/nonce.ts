const content = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';

/** The page's nonce for style elements; empty where the development server sent the page. */
export const nonce = content.startsWith('%') ? '' : content;
