import { Skeleton } from '../ui/skeleton.tsx'

/** Stands where a page will be. Shows only after a moment: most pages are there before it. */
export const PageSkeleton = () =>
  <div class="page page-skeleton" aria-busy="true">
    <Skeleton height="2rem" lines={1} label="The page is loading"/>
    <Skeleton height="8rem" lines={1}/>
    <Skeleton lines={4}/>
  </div>
