import { countText } from '../../data/format.ts'
import { Button } from './button.tsx'

/** The end of a list that has more. */
export const Pager = (
  {
    isMore, onMore, isLoading = false, shown, total
  }: { isMore: boolean, onMore: () => void, isLoading?: boolean, shown: number, total?: number }
) =>
  <div class="row row--between gap--normal row--wrap">
    <p class="soft" role="status">{total == null ? `${countText(shown)} shown` : `${countText(shown)} of ${countText(total)} shown`}</p>
    {isMore && <Button isBusy={isLoading} onClick={onMore}>Show more</Button>}
  </div>
