import { useEffect, useState } from 'preact/hooks'
import { errorText } from '../../data/errors.ts'
import { Button } from '../../ui/controls/button.tsx'
import { toast } from '../../ui/feedback/toast-store.ts'

const waitSeconds = 30

/** Mails another code, not too often. */
export function MailAgain ({ email, send }: { email: string, send: (email: string) => Promise<void> }) {
  const [left, setLeft] = useState(waitSeconds)
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    if (left === 0) return undefined
    const timer = setTimeout(() => setLeft(left - 1), 1000)
    return () => clearTimeout(timer)
  }, [left])
  const again = async (): Promise<void> => {
    setBusy(true)
    try {
      await send(email)
      toast('A new code is on its way. The earlier one is no longer valid.', { tone: 'good' })
      setLeft(waitSeconds)
    } catch (err) {
      toast(errorText(err), { tone: 'bad' })
    }
    setBusy(false)
  }
  return <Button kind="quiet" disabled={left > 0} isBusy={isBusy} onClick={() => { void again() }}>
    {left > 0 ? `Send another code (${left} s)` : 'Send another code'}
  </Button>
}
