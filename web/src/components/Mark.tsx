/** An easel that is also an A. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#2b4f88" />
      <path d="M16 6.5 8.2 25.5M16 6.5l7.8 19M10.4 19.5h11.2M16 6.5v19" fill="none" stroke="#fff" strokeWidth="2.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
