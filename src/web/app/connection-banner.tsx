import { useConnection } from '../data/connection.ts'
import { useOwnNow } from '../data/hooks.ts'
import { Button } from '../ui/controls/button.tsx'
import { Icon } from '../ui/icon.tsx'

/** Tells, above everything, that the peer doesn't answer; goes away by itself. */
export function ConnectionBanner () {
  const { isAway, nextTryAt, tryNow } = useConnection()
  return <div role="status" class="connection-banner-place">
    {isAway && <div class="connection-banner">
      <Icon name="unplugged"/>
      <p><strong>The peer does not answer.</strong> Nothing you have typed is lost: the page goes on when it is back. <NextTry at={nextTryAt}/></p>
      <Button size="small" onClick={tryNow}>Try now</Button>
    </div>}
  </div>
}

function NextTry ({ at }: { at: number | null }) {
  const now = useOwnNow(500)
  const seconds = at == null ? 0 : Math.max(0, Math.ceil((at - now) / 1000))
  // not read out each second
  return <span aria-hidden="true" class="connection-banner__next">{seconds === 0 ? 'Trying…' : `Next try in ${seconds} s.`}</span>
}
