/** The sun in its cell. */
export const Logo = ({ size = 28 }: { size?: number }) =>
  <svg class="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="logo__cell" d="M16 2.5 27.7 9.25v13.5L16 29.5 4.3 22.75V9.25z"/>
    <circle class="logo__sun" cx="16" cy="16" r="4.6"/>
    <path class="logo__rays" d="M16 6.6v2.2M16 23.2v2.2M7.9 11.3l1.9 1.1M22.2 19.6l1.9 1.1M7.9 20.7l1.9-1.1M22.2 12.4l1.9-1.1"/>
  </svg>
