import './skeleton.css'

/** Stands where something will be. */
export const Skeleton = ({ lines = 3, height = '1rem', label }: { lines?: number, height?: string, label?: string }) =>
  <div class="skeleton" aria-busy="true">
    {label != null && <span class="visually-hidden" role="status">{label}</span>}
    {Array.from({ length: lines }, (_, at) => <span key={at} class="skeleton__line"
      style={{ height, width: lines > 1 && at === lines - 1 ? '60%' : '100%' }}/>)}
  </div>

/** Something is loading; readers hear the label. */
export const Spinner = ({ label = 'Loading' }: { label?: string }) =>
  <span class="spinner" role="status"><span class="visually-hidden">{label}</span></span>
